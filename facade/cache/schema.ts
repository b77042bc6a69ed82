import { z } from 'zod';
import { duration } from '../routes/schema-values.ts';

const kibibyte = 1024;
const units: Readonly<Record<string, number>> = { B: 1, KiB: kibibyte, MiB: kibibyte * kibibyte };

/** Bytes of a size such as `64MiB`; the schema has checked its form. */
export function cacheBytes(text: string): number {
  const [, amount, unit] = /^([0-9]+)(B|KiB|MiB)$/.exec(text) ?? [];
  return Number(amount) * (units[unit ?? ''] ?? Number.NaN);
}

const size = (most: string) =>
  z
    .string()
    .regex(/^[0-9]{1,7}(B|KiB|MiB)$/, { error: 'must be a size such as 64KiB or 16MiB' })
    .refine((text) => !(cacheBytes(text) > cacheBytes(most)), { error: `must be a size of at most ${most}` });

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
    memory: size('8192MiB')
      .optional()
      .describe(
        'What all kept answers may take together; those that were not used for the longest time go first. At most 8192MiB. Default 64MiB.',
      )
      .meta({ examples: ['64MiB'] }),
  })
  .describe('What routes with `cache` share.');

export type CacheEntry = z.infer<typeof cacheEntry>;
export type CacheSettingsEntry = z.infer<typeof cacheSettings>;
