import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { Logger } from '@strangler-fig/kernel/log';
import type { SharingEvents } from './shared-buckets.ts';

/** Writes down what limits do: the log's lines and the metrics. */
export class LimitRecord implements SharingEvents {
  readonly #log: Logger;
  readonly #rateLimited: Counter<'route'>;
  readonly #addressRefused: Counter<'route'>;
  readonly #bodyRefused: Counter<'route'>;
  readonly #countedHere: Counter;
  readonly #isShared: Gauge;

  /** @param buckets how many are in memory, asked whenever the metrics are read. */
  constructor(log: Logger, registry: Registry, buckets: () => number) {
    this.#log = log;
    const registers = [registry];
    const byRoute = (name: string, help: string) =>
      new Counter({ name, help, labelNames: ['route'], registers });
    this.#rateLimited = byRoute(
      'strangler_rate_limited_total',
      'Requests refused with 429, because a rate limit of their route was used up.',
    );
    this.#addressRefused = byRoute(
      'strangler_addresses_refused_total',
      "Requests refused with 403, because of their client's address.",
    );
    this.#bodyRefused = byRoute(
      'strangler_bodies_refused_total',
      'Requests refused with 413, because their body was too long.',
    );
    this.#countedHere = new Counter({
      name: 'strangler_rate_limit_local_total',
      help: 'Requests counted by this facade alone although there is a REDIS_URL, because Redis did not answer.',
      registers,
    });
    this.#isShared = new Gauge({
      name: 'strangler_rate_limit_shared',
      help: '1 while rate limits are counted in Redis for all facades together, 0 while each counts for itself.',
      registers,
    });
    new Gauge({
      name: 'strangler_rate_limit_buckets',
      help: 'Buckets of rate limits that are kept in memory; at most 100000.',
      registers,
      collect() {
        this.set(buckets());
      },
    });
  }

  rateLimited(route: string): void {
    this.#rateLimited.inc({ route });
  }

  addressRefused(route: string): void {
    this.#addressRefused.inc({ route });
  }

  bodyRefused(route: string): void {
    this.#bodyRefused.inc({ route });
  }

  shared(): void {
    this.#isShared.set(1);
    this.#log.info({}, 'rate limits are counted in Redis, for all facades together');
  }

  local(reason: string): void {
    this.#isShared.set(0);
    this.#log.warn({ reason }, 'Redis does not answer: this facade counts rate limits for itself');
  }

  countedHere(): void {
    this.#countedHere.inc();
  }
}
