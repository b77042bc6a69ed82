import { z } from 'zod';
import { backendName, share } from '../routes/schema-values.ts';
import { bytesOfSize, mostBytesKept } from './body-bound.ts';

const size = z
  .string()
  .regex(/^[0-9]{1,7}(B|KiB|MiB)$/, { error: 'must be a size such as 64KiB or 1MiB' })
  .refine((text) => !(bytesOfSize(text) > mostBytesKept), { error: 'must be a size of at most 4MiB' });

export const compareEntry = z
  .union([
    backendName,
    z.strictObject({
      with: backendName,
      sample: share.optional().describe('The share of requests that is compared. Default 100%.'),
      bodies: size
        .optional()
        .describe('Longer bodies are not kept, and so not compared. At most 4MiB. Default 256KiB.')
        .meta({ examples: ['256KiB'] }),
      writesSafe: z
        .boolean()
        .optional()
        .describe(
          'Whether the same write may be sent to both sides, so that requests other than GET are compared too. Refused on routes that write the data of a group, since one side owns it. Default false.',
        ),
    }),
  ])
  .describe(
    'A backend that is asked too, to compare the answers; the client never sees its answer nor waits for it. Default: none.',
  )
  .meta({ examples: ['inventory', { with: 'inventory', sample: '10%' }] });

export type CompareEntry = z.infer<typeof compareEntry>;
