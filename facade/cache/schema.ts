import { z } from 'zod';
import { duration } from '../routes/schema-values.ts';
import { sizeInBytes } from '../routes/size.ts';

const size = (most: string) =>
  z
    .string()
    .regex(/^[0-9]{1,7}(?:B|kB|KiB|MB|MiB|GB|GiB)$/, { error: 'must be a size such as 64KiB or 10MB' })
    .refine((text) => !(sizeInBytes(text) > sizeInBytes(most)), {
      error: `must be a size of at most ${most}`,
    });

/** The key `cache` of a route. */
export const cacheEntry = z
  .strictObject({
    answer: size('64MiB')
      .optional()
      .describe('Longer answers are not kept. At most 64MiB. Default 1MiB.')
      .meta({ examples: ['1MiB'] }),
    fresh: duration
      .optional()
      .describe(
        'How long an answer of status 200 that says nothing of caching may be used again; never one to a request with a cookie or credentials. Default 0s: only what the backend allows itself.',
      ),
  })
  .describe(
    'Answers to GET are kept in memory and used again, as far as the backend allows it (RFC 9111). Not on routes that write. Default: nothing is kept.',
  );

/** The top-level key `cache`. */
export const cacheSettings = z
  .strictObject({
    memory: size('16GiB')
      .optional()
      .describe(
        'What all kept answers may take together; those that were not used for the longest time go first. At most 16GiB. Default 64MiB.',
      )
      .meta({ examples: ['64MiB'] }),
  })
  .describe('What routes with `cache` share.');

export type CacheEntry = z.infer<typeof cacheEntry>;
export type CacheSettingsEntry = z.infer<typeof cacheSettings>;
