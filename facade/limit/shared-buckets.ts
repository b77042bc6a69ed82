import type { Buckets, Charge, Verdict } from './buckets.ts';
import type { MemoryBuckets } from './memory-buckets.ts';
import { RedisBuckets, type RedisSettings, reasonOf } from './redis-buckets.ts';

/** Milliseconds in which nobody waits for a Redis that has just failed to answer. */
const rest = 1_000;

/** Told when what is counted where changes, and of each request that is counted here for want of Redis. */
export interface SharingEvents {
  shared(): void;
  /** @param reason without addresses or credentials. */
  local(reason: string): void;
  countedHere(): void;
}

/**
 * Buckets in Redis as long as it answers, and in this process when it does not: then every facade lets through what
 * the limit allows, which is more than it should be and better than answering nobody.
 */
export class SharedBuckets implements Buckets {
  readonly #memory: MemoryBuckets;
  readonly #events: SharingEvents;
  readonly #redis: Promise<RedisBuckets | undefined>;
  #ready: RedisBuckets | undefined;
  /** Undefined: neither has been said yet. */
  #isShared: boolean | undefined;
  /** From performance.now(): before it nobody asks Redis; after it one request does, to find out for the others. */
  #askAgain = 0;
  #closed = false;

  constructor(settings: RedisSettings, memory: MemoryBuckets, events: SharingEvents) {
    this.#memory = memory;
    this.#events = events;
    const connecting = RedisBuckets.connect(settings, {
      ready: () => void this.#greet(),
      lost: (reason) => this.#tell(false, reason),
    });
    this.#redis = connecting.then(
      (redis) => {
        if (this.#closed) redis.close();
        this.#ready = redis;
        return redis;
      },
      (error: unknown) => {
        this.#tell(false, reasonOf(error));
        return undefined;
      },
    );
  }

  take(charges: readonly Charge[]): Verdict | Promise<Verdict> {
    const redis = this.#ready;
    if (redis?.isReady !== true || performance.now() < this.#askAgain) return this.#here(charges);
    return this.#there(redis, charges);
  }

  async close(): Promise<void> {
    this.#closed = true;
    (await this.#redis)?.close();
  }

  async #there(redis: RedisBuckets, charges: readonly Charge[]): Promise<Verdict> {
    const trial = this.#isShared === false;
    if (trial) this.#askAgain = performance.now() + rest;
    try {
      const verdict = await redis.take(charges);
      this.#askAgain = 0;
      this.#tell(true, '');
      return verdict;
    } catch (error) {
      this.#askAgain = performance.now() + rest;
      this.#tell(false, reasonOf(error));
      return this.#here(charges);
    }
  }

  /** Finds out whether Redis is well, so that no request has to. */
  async #greet(): Promise<void> {
    try {
      await (await this.#redis)?.greet();
      this.#tell(true, '');
    } catch (error) {
      this.#tell(false, reasonOf(error));
    }
  }

  #here(charges: readonly Charge[]): Verdict {
    this.#events.countedHere();
    return this.#memory.take(charges);
  }

  #tell(shared: boolean, reason: string): void {
    if (this.#isShared === shared || this.#closed) return;
    this.#isShared = shared;
    if (shared) {
      this.#askAgain = 0;
      this.#events.shared();
    } else this.#events.local(reason);
  }
}
