import type { AttemptResult } from '../forward/attempt.ts';
import type { Fallback } from '../forward/forwarder.ts';
import type { RequestBody } from '../forward/request-body.ts';
import { isIdempotent, type Repeatable } from './repetition.ts';

/** Failures for which nobody but the client is to blame. */
const ofClient = new Set(['client_gone', 'client_slow', 'body_too_large']);

/** Whether an answer with a status is kept from the client, because the fallback will give another. */
export function declines(
  fallback: Fallback,
  status: number,
  request: Repeatable,
  body: RequestBody | undefined,
): boolean {
  return fallback.on.includes(status) && mayProcessTwice(fallback, request) && body?.repeatable !== false;
}

/**
 * Why the fallback answers, as metrics name it; undefined where it must not: the client would not get it, the
 * first backend may have done what was asked, or the body is gone.
 */
export function reasonToFallBack(
  fallback: Fallback,
  result: AttemptResult,
  request: Repeatable,
  body: RequestBody | undefined,
): string | undefined {
  if (result.kind === 'declined') return `status_${result.status}`;
  if (result.kind !== 'failed' || ofClient.has(result.failure.kind)) return undefined;
  if (result.sent && !mayProcessTwice(fallback, request)) return undefined;
  return body?.repeatable === false ? undefined : result.failure.kind;
}

function mayProcessTwice(fallback: Fallback, request: Repeatable): boolean {
  return isIdempotent(request) || (fallback.idempotencyKey && request.hasIdempotencyKey);
}
