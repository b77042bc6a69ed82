import type { Charge, Verdict } from './buckets.ts';

/** What clients are told of their limits, by draft-ietf-httpapi-ratelimit-headers-11 (May 2026). */

export const policyHeader = 'ratelimit-policy';
export const limitHeader = 'ratelimit';

/**
 * An item of RateLimit-Policy (section 3). Windows are whole seconds there, so a quota for another time is put as
 * what it comes to in the next whole number of seconds.
 * @param per milliseconds.
 */
export function policyItem(name: string, requests: number, per: number, burst: number): string {
  const window = Math.max(1, Math.ceil(per / 1000));
  const quota = Math.floor((requests * window * 1000) / per);
  const item = `"${name}";q=${quota};w=${window}`;
  return burst === requests ? item : `${item};strangler-burst=${burst}`;
}

/** Seconds until a bucket lets one request more through than it does now. */
function secondsToNext({ limit }: Charge, used: number): number {
  const { capacity, interval } = limit;
  const next = available(capacity, used) + 1;
  return Math.max(1, Math.ceil(((used + next - capacity) * interval) / 1000));
}

/** Requests that a bucket lets through now. Sums of fractions come out a little below whole numbers. */
export function available(capacity: number, used: number): number {
  return Math.max(0, Math.floor(capacity - used + 1e-6));
}

/**
 * The RateLimit header (section 4): after a request that was let through all its limits, after one that was not
 * those that kept it out, so that no effective window ends after Retry-After (section 6).
 */
export function limitItems(charges: readonly Charge[], { admitted, used }: Verdict): string {
  const items = charges.flatMap((charge, index) => {
    const { name, capacity } = charge.limit;
    const now = used[index] as number;
    const left = available(capacity, now);
    return admitted || left < 1 ? [`"${name}";r=${left};t=${secondsToNext(charge, now)}`] : [];
  });
  return items.join(', ');
}

/** Seconds after which a refused request may come again. */
export function retryAfter(charges: readonly Charge[], { used }: Verdict): number {
  return Math.max(
    ...exhausted(charges, used).map((charge) =>
      secondsToNext(charge, used[charges.indexOf(charge)] as number),
    ),
  );
}

/** The limits that kept a request out. */
export function exhausted(charges: readonly Charge[], used: readonly number[]): Charge[] {
  return charges.filter(({ limit }, index) => available(limit.capacity, used[index] as number) < 1);
}
