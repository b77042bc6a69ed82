import { z } from 'zod';
import { httpName, name, timeout } from '../routes/schema-values.ts';
import { sizeInBytes } from '../routes/size.ts';

/** The keys by which routes.yaml says what is too much, and from whom nothing is taken. */

const count = (most: number) =>
  z
    .number()
    .int({ error: 'must be a whole number' })
    .min(1, { error: 'must be at least 1' })
    .max(most, { error: `must not be more than ${most}` });

const size = z
  .string()
  .regex(/^[0-9]{1,7}(?:B|kB|KiB|MB|MiB|GB|GiB)$/, { error: 'must be a size such as 10MB or 64KiB' });

const by = z
  .union([
    z.enum(['address', 'user', 'everyone']),
    z
      .strictObject({
        header: httpName
          .optional()
          .describe('By the value of this header; where it is left out, by address.'),
        cookie: httpName
          .optional()
          .describe('By the value of this cookie; where it is left out, by address.'),
      })
      .refine((key) => Object.keys(key).length === 1, { error: 'must name one header or one cookie' })
      .meta({ minProperties: 1, maxProperties: 1 }),
  ])
  .describe(
    'Who has a bucket of their own: each address (default; of IPv6 each /64), each user that `auth` finds, each value of a header or cookie, or everyone together. Whoever has none of these counts by address.',
  );

export const rateLimitPolicy = z
  .strictObject({
    requests: count(1_000_000).describe('How many requests in each `per`.'),
    per: timeout.describe('The time in which so many are let through, evenly refilled.'),
    burst: count(1_000_000)
      .optional()
      .describe('How many may come at once, after a pause. Default: as many as `requests`.'),
    by: by.optional(),
  })
  .describe('So many requests in such a time; more get 429 rate_limited.')
  .meta({ examples: [{ requests: 10, per: '1s', burst: 20, by: 'address' }] });

export const rateLimitsEntry = z
  .record(name, rateLimitPolicy)
  .describe('Limits that several routes share, by name: requests to any of them count together.');

const limitName = name.describe('The name of one of `rateLimits`.');

export const rateLimitEntry = z
  .union([
    limitName,
    rateLimitPolicy,
    z
      .array(z.union([limitName, rateLimitPolicy]))
      .min(1)
      .max(8),
  ])
  .describe(
    'How often it may be asked: a limit of its own, the name of a shared one, or a list of which every one must allow it. Default: no limit.',
  );

const ranges = z.array(z.string().max(64)).min(1).max(10_000);

export const addressesEntry = z
  .strictObject({
    allow: ranges
      .optional()
      .describe('Addresses and ranges whose requests are taken. Default: those of everybody.')
      .meta({ examples: [['10.0.0.0/8', '::1']] }),
    deny: ranges
      .optional()
      .describe('Addresses and ranges whose requests are not, even where they are allowed. Default: none.')
      .meta({ examples: [['192.0.2.7']] }),
  })
  .refine((lists) => Object.keys(lists).length > 0, { error: 'must have "allow" or "deny"' })
  .describe(
    'Whose requests are taken, by address; others get 403 address_refused. Those of the file and those of the route must both admit. Default: those of everybody.',
  );

export const trustedProxiesEntry = ranges
  .describe(
    'Proxies before the facade whose X-Forwarded-For and X-Forwarded-Proto count: addresses and ranges. From everybody else these headers are dropped. Default: nobody is trusted.',
  )
  .meta({ examples: [['10.0.0.0/8']] });

const body = size
  .describe('A longer request body gets 413 body_too_large. Default: no bound.')
  .meta({ examples: ['10MB'] });

/** A route's `limits`. */
export const routeLimits = z
  .strictObject({
    body: body.describe("A longer request body gets 413 body_too_large. Default: the file's `limits.body`."),
  })
  .describe('What one request of this route may have.');

/** Keys of the file's `limits`, besides those of load. */
export const requestLimits = {
  body: body.optional(),
  headers: z
    .strictObject({
      size: size
        .refine((text) => !(sizeInBytes(text) < 1024 || sizeInBytes(text) > 256 * 1024), {
          error: 'must be a size from 1KiB to 256KiB',
        })
        .optional()
        .describe(
          'Of the request line and all headers together. Default 32KiB; more counts after a restart.',
        ),
      count: count(1000).optional().describe('Of header lines. Default 200.'),
    })
    .optional()
    .describe('What the head of a request may have; more gets 431.'),
};

export type RateLimitPolicyEntry = z.infer<typeof rateLimitPolicy>;
export type RateLimitEntry = z.infer<typeof rateLimitEntry>;
