import { METHODS } from 'node:http';
import { z } from 'zod';
import { cacheEntry, cacheSettings } from '../cache/schema.ts';
import { compareEntry } from '../compare/schema.ts';
import { corsDefault, corsEntry } from '../cors/schema.ts';
import { forceEntry } from '../decide/force-schema.ts';
import { faultsEntry } from '../faults/schema.ts';
import { authEntry } from '../identify/auth.ts';
import { jwtEntry } from '../identify/jwt-schema.ts';
import {
  addressesEntry,
  rateLimitEntry,
  rateLimitsEntry,
  routeLimits,
  trustedProxiesEntry,
} from '../limit/schema.ts';
import { tlsEntry } from '../receive/tls/schema.ts';
import { accessLogEntry } from '../record/access-log.ts';
import { rewriteEntry } from '../rewrite/schema.ts';
import { validateEntry } from '../validate/schema.ts';
import { maxPatternLength } from './path-pattern.ts';
import { backendResilience, limits, routeResilience } from './schema-resilience.ts';
import { backendName, duration, httpName, name, timeout, valuesByName } from './schema-values.ts';
import { paths, spellingKeys } from './spelling.ts';

/**
 * What routes.yaml may hold: the one source of its types, its validation and the JSON Schema that editors use.
 * What needs more than one value to judge (does this backend exist, do two routes tie) is in rules.ts.
 */

/** Methods that a route can list; CONNECT asks for a tunnel, which is not routed. */
export const methods: readonly string[] = [
  ...new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', ...METHODS]),
].filter((method) => method !== 'CONNECT');

const timeouts = z
  .strictObject({
    connect: timeout.optional().describe('To connect. Default 1s.'),
    request: timeout
      .optional()
      .describe("From the request's last byte to the head of the answer. Default 30s."),
    idle: timeout
      .optional()
      .describe(
        "Between two pieces of an answer's or a request's body. Default 60s; quiet streams need more.",
      ),
  })
  .describe('How long a backend may take before the facade answers 504 itself.');

const backend = z
  .strictObject({
    url: z
      .string()
      .optional()
      .describe('Where it listens: http://host:port or https://host:port, without a path.')
      .meta({ examples: ['http://127.0.0.1:4000', 'https://inventory.internal'] }),
    ...backendResilience,
    timeouts: timeouts.optional(),
    identity: z
      .boolean()
      .optional()
      .describe("Requests carry the caller's identity, signed by the facade. For services; default false."),
    host: z
      .enum(['preserve', 'backend'])
      .optional()
      .describe(
        "Which Host header it sees: the client's (preserve, the default) or that of its own url (backend).",
      ),
  })
  .describe('A place that answers HTTP: the monolith or an extracted service.')
  .meta({ oneOf: [{ required: ['url'] }, { required: ['urls'] }] });

const method = z
  .string()
  .describe('A method in capitals, such as GET.')
  .meta({ examples: ['GET', 'POST', 'PUT'] });

const match = z
  .strictObject({
    path: z
      .union([
        z.string().max(maxPatternLength),
        z.strictObject({
          regex: z
            .string()
            .max(maxPatternLength)
            .describe('A regular expression in RE2 syntax that must match the whole path.'),
        }),
      ])
      .describe(
        '"/api/users/:id" is exact, ":id" stands for one element; "/api/*" is /api and everything below; or { regex: … }.',
      )
      .meta({ examples: ['/api/users/:id', '/api/*', '/*'] }),
    ...spellingKeys,
    host: z
      .string()
      .optional()
      .describe('The host that was asked: shop.example, or *.shop.example for any below it. Default: any.'),
    method: z
      .union([method, z.array(method).min(1)])
      .optional()
      .describe(
        'One method or a list. GET includes HEAD, and every method its CORS preflight, unless those are listed. Default: any.',
      ),
    headers: valuesByName(
      httpName,
      'Headers with the value that each must have, whole and with case. Default: any.',
    ).optional(),
    query: valuesByName(
      z.string().min(1).max(256),
      'Query parameters with the value that each must have, decoded; of a repeated one the first counts. Default: any.',
    ).optional(),
    cookies: valuesByName(httpName, 'Cookies with the value that each must have. Default: any.').optional(),
  })
  .describe('What a request must look like. Everything given must hold.');

const weights = z
  .record(
    name,
    z
      .number()
      .int({ error: 'must be a whole number' })
      .min(0, { error: 'must not be negative' })
      .max(1_000_000, { error: 'must not be more than 1000000' }),
  )
  .describe('Backends with weights: { monolith: 90, profile: 10 } sends one client in ten to profile.');

const sticky = z
  .union([
    z.literal('address').describe("By the client's address."),
    z
      .strictObject({
        cookie: httpName
          .optional()
          .describe('By this cookie; a client without it is given one. Not a cookie the application sets.'),
        header: httpName.optional().describe('By this header; a client without it is given a cookie.'),
      })
      .refine((by) => Object.keys(by).length === 1, { error: 'must name one cookie or one header' })
      .meta({ minProperties: 1, maxProperties: 1 }),
  ])
  .describe('What keeps a client on one side of the weights. Default: a cookie of its own, strangler_id.');

const route = z
  .strictObject({
    name: name.describe('What it is called in logs, metrics and messages.'),
    match,
    group: name
      .optional()
      .describe('Routes and tables that must move together because they write the same data. Default: none.'),
    writes: z
      .boolean()
      .optional()
      .describe(
        'Whether it changes data, and so must go to one side only. Default: true unless it lists only GET, HEAD or OPTIONS.',
      ),
    to: z
      .union([backendName, weights])
      .describe(
        'Who answers: the word to edit. A backend, or weights such as { monolith: 90, profile: 10 }.',
      ),
    sticky: sticky.optional(),
    force: forceEntry.optional(),
    compare: compareEntry.optional(),
    rewrite: rewriteEntry.optional(),
    cors: corsEntry.optional(),
    cache: cacheEntry.optional(),
    validate: validateEntry.optional(),
    ...routeResilience,
    rateLimit: rateLimitEntry.optional(),
    addresses: addressesEntry.optional(),
    limits: routeLimits.optional(),
    faults: faultsEntry.optional(),
    auth: authEntry.optional(),
  })
  .describe('A rule: what it matches, and which backend answers.');

const identity = z
  .strictObject({
    keys: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A file with the private keys that sign identities, relative to this file; made if it is missing. Services verify with the public ones, at /.well-known/jwks.json of the admin port. Default: none, as no backend has `identity: true`.',
      )
      .meta({ examples: ['identity-keys.json'] }),
    secret: z
      .string()
      .optional()
      .describe(
        `Instead of keys: one secret that signs and verifies, shared with the services. At least 32 characters, from the environment only: \${IDENTITY_SECRET}. Default: none.`,
      ),
    session: z
      .strictObject({
        cookie: httpName.describe("The name of the application's session cookie."),
        backend: backendName.describe('The backend that knows the sessions.'),
        path: z.string().describe('A path there that answers 200 with the user as JSON, or 401.'),
        cache: duration
          .optional()
          .describe('How long one answer may be used again. Default 5s; 0s asks each time.'),
      })
      .optional()
      .describe('How `auth: session` finds out who a session belongs to.'),
    jwt: jwtEntry.optional(),
  })
  .describe('How callers are identified to backends that have `identity: true`.');

export const routesFile = z
  .strictObject({
    version: z.literal(1).describe('The version of this format: 1.'),
    servedBy: z
      .boolean()
      .optional()
      .describe('Answers say who gave them: `x-served-by: <backend>`. Default false.'),
    paths: paths.optional(),
    accessLog: accessLogEntry.optional(),
    allowFaults: z
      .boolean()
      .optional()
      .describe('Whether routes may have `faults`. Not for production. Default false.'),
    identity: identity.optional(),
    limits: limits.optional(),
    rateLimits: rateLimitsEntry.optional(),
    addresses: addressesEntry.optional(),
    trustedProxies: trustedProxiesEntry.optional(),
    cors: corsDefault.optional(),
    cache: cacheSettings.optional(),
    tls: tlsEntry.optional(),
    backends: z.record(name, backend).describe('Who can answer, by name.'),
    routes: z
      .array(route)
      .min(1, { error: 'must have at least one route' })
      .describe('The rules. Their order means nothing: the most specific one wins.'),
  })
  .describe('Which path is answered by whom.');

export type RoutesFile = z.infer<typeof routesFile>;
export type BackendEntry = z.infer<typeof backend>;
export type RouteEntry = z.infer<typeof route>;
export type MatchEntry = z.infer<typeof match>;
export type PathsEntry = z.infer<typeof paths>;

/** Each part alone, so that one bad route does not hide what is wrong with the next. */
export const parts = { backend, route, match, identity, paths, cors: corsDefault };
