import type { RateLimit } from './rate-limit.ts';

/** One request, put to one bucket. */
export interface Charge {
  readonly limit: RateLimit;
  /** Whose bucket: a digest, from which nobody finds out what a client sent. */
  readonly key: string;
}

export interface Verdict {
  readonly admitted: boolean;
  /** What each bucket is charged with now, this request included where it was let through. */
  readonly used: readonly number[];
}

/** Where the buckets are. A request is charged to all of its buckets or, where one is empty, to none. */
export interface Buckets {
  take(charges: readonly Charge[]): Verdict | Promise<Verdict>;
}
