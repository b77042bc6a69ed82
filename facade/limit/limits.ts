import type { Registry } from '@prometheus-io/client';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Logger } from '@strangler-fig/kernel/log';
import type { Gate } from '../exchange/gate.ts';
import { addressGate } from './address-gate.ts';
import { bodyGate } from './body-gate.ts';
import type { Buckets, Charge } from './buckets.ts';
import { LimitRecord } from './limit-record.ts';
import { MemoryBuckets } from './memory-buckets.ts';
import type { RateLimit } from './rate-limit.ts';
import { rateGate } from './rate-limiter.ts';
import type { RedisSettings } from './redis-buckets.ts';
import { SharedBuckets } from './shared-buckets.ts';

/** The gates that say what is too much, and from whom; with what was counted, which outlives any table. */
export class Limits {
  /** Comes before all others: whom nothing is taken from is told nothing else. */
  readonly addresses: Gate;
  /** Comes before who asks is found out, which may be work for the application. */
  readonly rates: Gate;
  readonly bodies: Gate;
  readonly #memory = new MemoryBuckets();
  readonly #redis: RedisSettings | undefined;
  readonly #record: LimitRecord;
  #shared: SharedBuckets | undefined;

  /**
   * @param env has REDIS_URL (redis:// or rediss://) where the buckets are that several facades share; without it, or
   *   empty, each counts for itself. REDIS_TIMEOUT_MS is how long a request may wait for it; default 50.
   * @throws Failure `redis_url_invalid`, `redis_timeout_invalid`
   */
  constructor(log: Logger, registry: Registry, env: Readonly<Record<string, string | undefined>>) {
    this.#redis = redisIn(env);
    const record = new LimitRecord(log, registry, () => this.#memory.size);
    this.#record = record;
    const buckets: Buckets = { take: (charges: readonly Charge[]) => this.#buckets.take(charges) };
    this.addresses = addressGate((route) => record.addressRefused(route));
    this.rates = rateGate(buckets, (route) => record.rateLimited(route));
    this.bodies = bodyGate((route) => record.bodyRefused(route));
  }

  /** Tells which routes there are: Redis is connected to when the first of them has a rate limit. */
  inForce(routes: readonly { readonly rateLimits: readonly RateLimit[] | undefined }[]): void {
    if (this.#redis === undefined || this.#shared !== undefined) return;
    if (routes.every(({ rateLimits }) => rateLimits === undefined)) return;
    this.#shared = new SharedBuckets(this.#redis, this.#memory, this.#record);
  }

  async close(): Promise<void> {
    await this.#shared?.close();
  }

  get #buckets(): Buckets {
    return this.#shared ?? this.#memory;
  }
}

/** Messages do not show the URL: it may hold a password. */
function redisIn({
  REDIS_URL: url,
  REDIS_TIMEOUT_MS: timeout,
}: NodeJS.ProcessEnv): RedisSettings | undefined {
  if (url === undefined || url === '') return undefined;
  const parsed = URL.parse(url);
  if (parsed === null || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new Failure('redis_url_invalid', 'REDIS_URL is not the URL of a Redis.', {
      hint: 'Write redis://host:6379 or rediss://user:password@host:6379/0, or unset it.',
      exitCode: 2,
    });
  }
  const patience = timeout === undefined || timeout === '' ? 50 : Number(timeout);
  if (Number.isInteger(patience) && patience >= 1 && patience <= 10_000) return { url, patience };
  throw new Failure('redis_timeout_invalid', `REDIS_TIMEOUT_MS is no number of milliseconds: ${timeout}`, {
    hint: 'Write a whole number from 1 to 10000, or unset it for 50.',
    exitCode: 2,
  });
}
