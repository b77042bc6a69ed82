import type { Route } from '../routes/model.ts';
import type { RateLimitBy } from './rate-limit.ts';

/** What a route limits, a line each. */
export function limitNotes({ rateLimits = [], addresses, mostBody }: Route): string[] {
  return [
    ...(addresses === undefined ? [] : ['taken from some addresses only, others get 403']),
    ...rateLimits.map(
      ({ name, capacity, interval, by }) =>
        `rate limit ${name}: ${capacity} at once, then one every ${Number(interval.toFixed(3))} ms, ${whose(by)}`,
    ),
    ...(mostBody === undefined ? [] : [`takes bodies of at most ${mostBody} bytes`]),
  ];
}

function whose(by: RateLimitBy): string {
  if (by.kind === 'everyone') return 'for everyone together';
  return 'name' in by ? `by ${by.kind} ${by.name}` : `by ${by.kind}`;
}
