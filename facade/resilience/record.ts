import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { Logger } from '@strangler-fig/kernel/log';
import type { BackendStates } from './backend-state.ts';
import type { BreakerState } from './breaker.ts';
import type { ResilienceEvents } from './events.ts';

/** How a breaker's state is written as a number. */
const stateNumber: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** Writes down what resilience does: the log's lines and the metrics. */
export class ResilienceRecord implements ResilienceEvents {
  readonly #log: Logger;
  readonly #retries: Counter<'backend'>;
  readonly #fallbacks: Counter<'route' | 'from' | 'to' | 'reason'>;
  readonly #shed: Counter;

  /** @param states asked whenever the metrics are read. */
  constructor(log: Logger, registry: Registry, states: () => BackendStates) {
    this.#log = log;
    const registers = [registry];
    this.#retries = new Counter({
      name: 'strangler_retries_total',
      help: 'Requests sent to a backend again, by backend; stale connections are not counted.',
      labelNames: ['backend'],
      registers,
    });
    this.#fallbacks = new Counter({
      name: 'strangler_fallbacks_total',
      help: 'Requests put to the fallback, by route, backends and why: a kind of failure, or status_<n>.',
      labelNames: ['route', 'from', 'to', 'reason'],
      registers,
    });
    this.#shed = new Counter({
      name: 'strangler_requests_shed_total',
      help: 'Requests refused unseen, because the facade had too many at once.',
      registers,
    });
    new Gauge({
      name: 'strangler_breaker_state',
      help: 'Of each backend: 0 closed, 1 half-open, 2 open.',
      labelNames: ['backend'],
      registers,
      collect() {
        this.reset();
        for (const { name, breaker } of states().all()) {
          if (breaker !== undefined) this.set({ backend: name }, stateNumber[breaker.state]);
        }
      },
    });
    new Gauge({
      name: 'strangler_backend_requests',
      help: 'Requests that hold or wait for a place at a backend, by state: inside or waiting.',
      labelNames: ['backend', 'state'],
      registers,
      collect() {
        this.reset();
        for (const { name, bulkhead } of states().all()) {
          this.set({ backend: name, state: 'inside' }, bulkhead.inside);
          this.set({ backend: name, state: 'waiting' }, bulkhead.waiting);
        }
      },
    });
  }

  breakerChanged(backend: string, to: BreakerState): void {
    const line = { backend, breaker: to };
    if (to === 'open')
      this.#log.warn(line, 'breaker opened: the backend fails, and is not asked for a while');
    else if (to === 'closed') this.#log.info(line, 'breaker closed: the backend answers again');
    else this.#log.info(line, 'breaker half-open: a few requests are let through');
  }

  healthChanged(backend: string, url: string, healthy: boolean): void {
    if (healthy) this.#log.info({ backend, url }, 'healthy again: it gets requests');
    else this.#log.warn({ backend, url }, 'unhealthy: it gets no requests');
  }

  ejected(backend: string, url: string, milliseconds: number): void {
    this.#log.warn({ backend, url, milliseconds }, 'ejected: it takes no connections or resets them');
  }

  retried(backend: string): void {
    this.#retries.inc({ backend });
  }

  fellBack(labels: { route: string; from: string; to: string; reason: string }): void {
    this.#fallbacks.inc(labels);
  }

  shed(): void {
    this.#shed.inc();
  }
}
