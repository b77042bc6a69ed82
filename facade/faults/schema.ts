import { z } from 'zod';
import { durationInMilliseconds } from '../routes/duration.ts';
import { timeout } from '../routes/schema-values.ts';

const minute = 60_000;

export const faultsEntry = z
  .strictObject({
    delay: timeout
      .refine((text) => !(durationInMilliseconds(text) > minute), {
        error: 'must be a duration of at most 1m',
      })
      .optional()
      .describe('How long a request waits before it goes on. At most 1m. Default: not at all.'),
    abort: z
      .number()
      .int({ error: 'must be a whole number' })
      .min(400, { error: 'must be a status from 400 to 599' })
      .max(599, { error: 'must be a status from 400 to 599' })
      .optional()
      .describe('The status that is answered instead of asking a backend, 400 to 599. Default: none.'),
    percent: z
      .number()
      .int({ error: 'must be a whole number' })
      .min(1, { error: 'must be from 1 to 100' })
      .max(100, { error: 'must be from 1 to 100' })
      .optional()
      .describe('How many requests in a hundred it happens to. Default 100.'),
  })
  .refine((faults) => faults.delay !== undefined || faults.abort !== undefined, {
    error: 'must have a delay or an abort',
  })
  .describe('Failures on purpose, for rehearsals. Needs `allowFaults: true` at the top. Default: none.');

export type FaultsEntry = z.infer<typeof faultsEntry>;
