import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { CacheEvents, CacheResult } from './events.ts';

/** Counts what the cache does. */
export class CacheMetrics implements CacheEvents {
  readonly #requests: Counter<'route' | 'result'>;
  readonly #stored: Counter<'route'>;
  readonly #evicted: Counter;
  readonly #invalidated: Counter<'route'>;

  /** @param kept what is in memory now. */
  constructor(registry: Registry, kept: () => { readonly bytes: number; readonly size: number }) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'strangler_cache_requests_total',
      help: 'Requests of routes with "cache", by route and result: hit, stale, stale_if_error, validated, collapsed (all answered from memory), miss, expired, bypass (all answered by a backend), only_if_cached (504).',
      labelNames: ['route', 'result'],
      registers,
    });
    this.#stored = new Counter({
      name: 'strangler_cache_stored_total',
      help: 'Answers that were kept, by route.',
      labelNames: ['route'],
      registers,
    });
    this.#evicted = new Counter({
      name: 'strangler_cache_evicted_total',
      help: 'Kept answers that made room for others.',
      registers,
    });
    this.#invalidated = new Counter({
      name: 'strangler_cache_invalidated_total',
      help: 'Kept answers that were dropped because a request of this route may have changed them.',
      labelNames: ['route'],
      registers,
    });
    gauge(registry, 'strangler_cache_bytes', 'Memory that kept answers take.', () => kept().bytes);
    gauge(registry, 'strangler_cache_answers', 'Answers that are kept.', () => kept().size);
  }

  requested(route: string, result: CacheResult): void {
    this.#requests.inc({ route, result });
  }

  stored(route: string): void {
    this.#stored.inc({ route });
  }

  evicted(): void {
    this.#evicted.inc();
  }

  invalidated(route: string, answers: number): void {
    if (answers > 0) this.#invalidated.inc({ route }, answers);
  }
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
