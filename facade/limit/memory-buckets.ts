import type { Buckets, Charge, Verdict } from './buckets.ts';
import { available } from './rate-limit-headers.ts';

interface Bucket {
  /** Requests that it was charged with and that are not refilled, at the time `at`. */
  used: number;
  at: number;
  /** When nothing will be left of them: a full bucket is as good as none. */
  full: number;
}

/** Buckets in memory; about 200 bytes each. */
const mostBuckets = 100_000;

/** How many old buckets one request puts away: more than one, so that they become fewer; few, so that it is quick. */
const mostLookedAt = 4;

/**
 * The buckets of this process. There is no timer: whenever one is charged, those that were not for the longest time
 * go if they are full by now, or if there is no room.
 */
export class MemoryBuckets implements Buckets {
  /** The one that was asked last is the last. */
  readonly #buckets = new Map<string, Bucket>();
  readonly #most: number;
  readonly #now: () => number;

  /** @param now milliseconds that only grow. */
  constructor(most = mostBuckets, now: () => number = () => performance.now()) {
    this.#most = most;
    this.#now = now;
  }

  get size(): number {
    return this.#buckets.size;
  }

  take(charges: readonly Charge[]): Verdict {
    const now = this.#now();
    const used = charges.map((charge) => this.#used(charge, now));
    const admitted = charges.every(
      ({ limit }, index) => available(limit.capacity, used[index] as number) > 0,
    );
    charges.forEach(({ key, limit }, index) => {
      const after = (used[index] as number) + (admitted ? 1 : 0);
      used[index] = after;
      // A bucket that refuses is in use, too: it must not be the oldest.
      if (after > 0) this.#put(key, { used: after, at: now, full: now + after * limit.interval }, now);
    });
    return { admitted, used };
  }

  #used({ key, limit }: Charge, now: number): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return 0;
    // A limit may have been lowered since.
    return Math.max(0, Math.min(bucket.used, limit.capacity) - (now - bucket.at) / limit.interval);
  }

  #put(key: string, bucket: Bucket, now: number): void {
    this.#buckets.delete(key);
    let looked = 0;
    for (const [oldest, { full }] of this.#buckets) {
      if (looked++ === mostLookedAt || (full > now && this.#buckets.size < this.#most)) break;
      this.#buckets.delete(oldest);
    }
    this.#buckets.set(key, bucket);
  }
}
