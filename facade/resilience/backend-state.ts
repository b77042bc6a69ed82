import type { Backend } from '../routes/model.ts';
import { Address } from './address.ts';
import { Balance } from './balance.ts';
import { Breaker } from './breaker.ts';
import { Bulkhead } from './bulkhead.ts';
import type { ResilienceEvents } from './events.ts';
import { startHealthChecks } from './health-checks.ts';
import { RetryBudget } from './retry-budget.ts';

/** What one backend's failures and load have led to. It outlives reloads that do not change the backend's settings. */
export interface BackendState {
  /** Of the settings that it was made for. */
  readonly key: string;
  readonly name: string;
  readonly balance: Balance;
  /** Undefined: turned off. */
  readonly breaker: Breaker | undefined;
  readonly bulkhead: Bulkhead;
  /** Undefined: nothing is repeated but on a stale connection. */
  readonly budget: RetryBudget | undefined;
  /** Ends the health checks. */
  close(): void;
}

/** The states of all backends. */
export class BackendStates {
  readonly #events: ResilienceEvents;
  readonly #byBackend = new WeakMap<Backend, BackendState>();
  #byName = new Map<string, BackendState>();

  constructor(events: ResilienceEvents) {
    this.#events = events;
  }

  of(backend: Backend): BackendState {
    return this.#byBackend.get(backend) ?? this.#adopt(backend);
  }

  /** Of the backends in the table in force. */
  all(): Iterable<BackendState> {
    return this.#byName.values();
  }

  /** Follows a new table. Requests of an older one keep the states that they have. */
  retain(backends: Iterable<Backend>): void {
    const before = this.#byName;
    this.#byName = new Map();
    for (const backend of backends) {
      const known = before.get(backend.name);
      const state = known?.key === keyOf(backend) ? known : this.#create(backend);
      this.#byName.set(backend.name, state);
      this.#byBackend.set(backend, state);
    }
    for (const state of before.values()) if (this.#byName.get(state.name) !== state) state.close();
  }

  close(): void {
    for (const state of this.#byName.values()) state.close();
  }

  /** A request that began with a table no longer in force: its backend may be the one of today, or gone. */
  #adopt(backend: Backend): BackendState {
    const known = this.#byName.get(backend.name);
    const state =
      known?.key === keyOf(backend) ? known : this.#create({ ...backend, healthChecks: undefined });
    this.#byBackend.set(backend, state);
    return state;
  }

  #create(backend: Backend): BackendState {
    const { name, urls, balance, ejection, breaker, bulkhead, retries } = backend;
    const events = this.#events;
    const addresses = urls.map((url) => new Address(url, ejection));
    return {
      key: keyOf(backend),
      name,
      balance: new Balance(addresses, balance),
      breaker: breaker && new Breaker(breaker, (to) => events.breakerChanged(name, to)),
      bulkhead: new Bulkhead(bulkhead),
      budget: retries && new RetryBudget(retries.budget),
      close: startHealthChecks(backend, addresses, events),
    };
  }
}

function keyOf({ urls, balance, ejection, breaker, bulkhead, retries, healthChecks }: Backend): string {
  return JSON.stringify([urls, balance, ejection, breaker, bulkhead, retries, healthChecks]);
}
