import type { RetrySettings } from '../routes/model-resilience.ts';

/** Methods that ask for nothing to change (RFC 9110, 9.2.1). */
const safe = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Methods whose repetition has the effect of one request (RFC 9110, 9.2.2). */
const idempotent = new Set([...safe, 'PUT', 'DELETE']);

/** The longest wait before a repetition, in milliseconds. */
const longestWait = 1_000;

/** What a request is, as far as it matters whether it may be sent again. */
export interface Repeatable {
  readonly method: string;
  readonly hasBody: boolean;
  readonly hasIdempotencyKey: boolean;
}

/** May be sent again to the same backend even if it was processed, and whoever sent it would not notice. */
export function isSafe({ method, hasBody }: Repeatable): boolean {
  return !hasBody && safe.has(method);
}

/** The same, by what the backend promises. */
export function mayRepeat(request: Repeatable, settings: RetrySettings | undefined): boolean {
  if (isSafe(request)) return true;
  return settings?.idempotent === true && (isIdempotent(request) || request.hasIdempotencyKey);
}

export function isIdempotent({ method }: Repeatable): boolean {
  return idempotent.has(method);
}

/**
 * The wait before a repetition, in milliseconds: exponential with full jitter, so that those who failed together do
 * not come back together.
 * @param repeated how often it was repeated before.
 * @param random from 0 to 1.
 */
export function backoff(base: number, repeated: number, random: number): number {
  return random * Math.min(longestWait, base * 2 ** repeated);
}
