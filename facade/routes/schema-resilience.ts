import { z } from 'zod';
import { requestLimits } from '../limit/schema.ts';
import { backendName, share, timeout } from './schema-values.ts';

/** The keys by which routes.yaml says what happens when a backend fails or there is too much to do. */

const count = (most = 1_000_000, least = 1) =>
  z
    .number()
    .int({ error: 'must be a whole number' })
    .min(least, { error: `must be at least ${least}` })
    .max(most, { error: `must not be more than ${most}` });

const size = z
  .string()
  .regex(/^(?:[0-9]{1,7}B|[0-9]{1,4}KiB|1MiB)$/, { error: 'must be a size such as 64KiB, at most 1MiB' })
  .describe('A size in B, KiB or MiB. At most 1MiB.');

const health = z
  .union([
    z.string(),
    z.strictObject({
      path: z.string().describe('A path that answers 2xx while the backend is well.'),
      interval: timeout.optional().describe('Between two questions to one url. Default 5s.'),
      timeout: timeout.optional().describe('What an answer may take. Default 2s.'),
      unhealthyAfter: count(1000)
        .optional()
        .describe('So many bad answers in a row, and the url gets no more requests. Default 3.'),
      healthyAfter: count(1000)
        .optional()
        .describe('So many good answers in a row, and it gets requests again. Default 2.'),
    }),
  ])
  .describe(
    'A path that answers 2xx while the backend is well. With several urls, or with { path: … }, each is asked all the time; otherwise only for /api/backends. A url that is not well gets no requests, unless none is.',
  )
  .meta({ examples: ['/health', { path: '/health', interval: '5s' }] });

const retries = z
  .strictObject({
    attempts: count(10).optional().describe('How often a request is sent again at most. Default 2.'),
    backoff: timeout
      .optional()
      .describe(
        'The wait before the first repetition is a random part of this, before the next of twice this, and so on. Default 25ms, at most 1s.',
      ),
    budget: share
      .optional()
      .describe(
        'Repetitions within ten seconds, as a share of the requests in them; three are always allowed. Default 20%.',
      ),
    idempotent: z
      .boolean()
      .optional()
      .describe(
        'Repeats PUT, DELETE and requests with an Idempotency-Key too, with bodies up to 64KiB. Default false: only what reached nobody, and GET, HEAD and OPTIONS without a body.',
      ),
  })
  .describe(
    'Sends a request again that failed before its answer began. Left out: only once, where a kept connection turns out to be closed.',
  );

const breaker = z
  .union([
    z.literal(false),
    z.strictObject({
      failures: count(100)
        .optional()
        .describe(
          'It opens at so many failures, where they are at least a fifth of the last 100. Default 5.',
        ),
      within: timeout.optional().describe('The time in which they are counted. Default 30s.'),
      coolDown: timeout.optional().describe('How long it stays open. Default 30s.'),
      successes: count(100)
        .optional()
        .describe('Then so many requests are let through; when all succeed, it closes. Default 3.'),
    }),
  ])
  .describe(
    'Spares a backend that fails: while it is open, requests get 503 circuit_open at once, or the fallback. Failures are: no connection, no answer in time, a connection cut before the answer, and 502, 503, 504. On unless it is false.',
  );

const bulkhead = z
  .strictObject({
    requests: count().optional().describe('Requests at the backend at once. Default 1024.'),
    queue: count(1_000_000, 0).optional().describe('Requests that may wait for a place. Default 256.'),
    wait: timeout.optional().describe('How long one may wait. Default 500ms.'),
  })
  .describe(
    'Bounds what one backend can take up: beyond it requests get 503 overloaded, or the fallback. WebSockets, and answers of text/event-stream, hold a place only until they have begun.',
  );

const ejection = z
  .strictObject({
    failures: count(1000).optional().describe('In a row. Default 5.'),
    for: timeout.optional().describe('How long it then gets no requests. Default 30s.'),
  })
  .describe('With several urls: one that takes no connection, or resets it, is left out for a while.');

/** Keys of a backend. */
export const backendResilience = {
  urls: z
    .array(z.string())
    .min(1)
    .max(64)
    .optional()
    .describe('Where its instances listen, instead of url, when there are several.')
    .meta({ examples: [['http://10.0.0.1:4101', 'http://10.0.0.2:4101']] }),
  balance: z
    .enum(['round-robin', 'least-requests'])
    .optional()
    .describe('Which of several urls gets a request: each in turn (default), or the least busy.'),
  health: health.optional(),
  retries: retries.optional(),
  breaker: breaker.optional(),
  bulkhead: bulkhead.optional(),
  ejection: ejection.optional(),
};

/** Keys of a route. */
export const routeResilience = {
  fallback: backendName
    .optional()
    .describe(
      'The backend that answers when the first one fails, before anything was sent to the client: if nothing reached the first, or the method is idempotent. Refused on routes that write the data of a group, since one side owns it. Default: nobody.',
    ),
  fallbackOn: z
    .array(
      z
        .number()
        .int({ error: 'must be a whole number' })
        .min(400, { error: 'must be a status from 400 to 599' })
        .max(599, { error: 'must be a status from 400 to 599' }),
    )
    .optional()
    .describe('Statuses of the first backend that count as a failure. Default [502, 503, 504].'),
  fallbackBody: size
    .optional()
    .describe(
      'Request bodies up to this size are kept for the fallback; larger ones are streamed, without a fallback once they have begun. Default 64KiB.',
    ),
  idempotencyKey: z
    .literal('honoured')
    .optional()
    .describe(
      'Both backends know which Idempotency-Key they have processed, in one common store: a request with that header may go to the fallback even if it reached the first. Default: it may not.',
    ),
};

/** The top-level key `limits`. */
export const limits = z
  .strictObject({
    requests: count()
      .optional()
      .describe('Requests in the facade at once; beyond it they get 503 overloaded. Default 10000.'),
    ...requestLimits,
  })
  .describe('What the facade as a whole takes on, and what one request may have.');
