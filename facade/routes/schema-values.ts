import { z } from 'zod';
import { durationInMilliseconds } from './duration.ts';

/** Kinds of values that keys of routes.yaml share. */

export const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, {
  error: 'must be 1 to 63 letters, digits, ".", "_" or "-", the first a letter or a digit',
});

export const backendName = name.describe('The name of one of the backends above.');

const day = 24 * 3_600_000;

export const duration = z
  .string()
  .regex(/^[0-9]{1,8}(ms|s|m|h)$/, { error: 'must be a duration such as 500ms, 2s or 1m' })
  .refine((text) => !(durationInMilliseconds(text) > day), { error: 'must be a duration of at most 24h' })
  .describe('A duration: a whole number and a unit, such as 500ms, 2s, 1m or 1h. At most 24h.');

export const timeout = duration.refine((text) => durationInMilliseconds(text) !== 0, {
  error: 'must be a duration above 0',
});

/** A token of RFC 9110, 5.6.2: header and cookie names. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;

export const valuesByName = (keys: z.ZodString, description: string) =>
  z.record(keys, z.string().max(4096)).describe(description);

export const httpName = z.string().regex(token, { error: 'must be a name of letters, digits and "-"' });

export const share = z
  .string()
  .regex(/^[0-9]{1,3}(?:\.[0-9]{1,4})?%$/, { error: 'must be a share such as 10% or 0.1%' })
  .refine((text) => !(Number.parseFloat(text) > 100), { error: 'must be a share of at most 100%' });
