import { z } from 'zod';
import { sizeInBytes } from '../routes/size.ts';

/** The key `validate` of a route. */
export const validateEntry = z
  .strictObject({
    openapi: z
      .string()
      .min(1)
      .max(1024)
      .describe(
        'The OpenAPI document (3.0 or 3.1, YAML or JSON): a file, relative to the one that this is in. It is followed like routes.yaml.',
      )
      .meta({ examples: ['./inventory.openapi.yaml'] }),
    operation: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        'The operationId that every request of the route is taken for. Default: the one that path and method select.',
      ),
    mode: z
      .enum(['refuse', 'report'])
      .optional()
      .describe(
        'What becomes of requests that do not fit: 400 request_invalid (refuse, the default), or they are counted, logged and sent on.',
      ),
    body: z
      .string()
      .regex(/^[0-9]{1,7}(?:B|kB|KiB|MB|MiB)$/, { error: 'must be a size such as 64KiB or 1MB' })
      .refine((text) => !(sizeInBytes(text) > 8 * 1024 * 1024), {
        error: 'must be a size of at most 8MiB',
      })
      .optional()
      .describe(
        'JSON bodies up to this size are read, checked and sent on as they came; longer ones are refused with 413. At most 8MiB. Default 64KiB.',
      )
      .meta({ examples: ['64KiB'] }),
  })
  .describe(
    'Requests are compared with an OpenAPI document before they are sent on: parameters and JSON bodies. Answers are not. Default: nothing is compared.',
  );

export type ValidateEntry = z.infer<typeof validateEntry>;
