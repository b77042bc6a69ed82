import type { BreakerSettings } from '../routes/model-resilience.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** Outcomes that are remembered. */
const remembered = 100;

/**
 * Of the outcomes that are remembered, failures must be at least this share. A slow page whose requests time out
 * together is then not taken for the end of a busy backend, while one that is gone is noticed within 20 requests.
 */
const smallestShare = 0.2;

/**
 * Keeps requests from a backend that fails, for its sake and for that of those who wait. Closed, it counts; open,
 * it refuses; half-open, it lets as many requests through as must succeed.
 *
 * A request that is let through gets a ticket, and its outcome is told with it. A ticket of an earlier state is
 * void: what was sent before the breaker opened says nothing about the backend after it. Times are milliseconds
 * of any one clock.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #changed: (to: BreakerState) => void;
  readonly #times = new Float64Array(remembered);
  readonly #failed = new Uint8Array(remembered);
  #outcomes = 0;
  #state: BreakerState = 'closed';
  /** Grows with every change of state; never 0. */
  #ticket = 1;
  #openUntil = 0;
  #trials = 0;
  #succeeded = 0;

  constructor(settings: BreakerSettings, changed: (to: BreakerState) => void) {
    this.#settings = settings;
    this.#changed = changed;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** A ticket, or 0 where the request must not go. Every ticket is given back by one of the three below. */
  enter(now: number): number {
    if (this.#state === 'closed') return this.#ticket;
    if (this.#state === 'open') {
      if (now < this.#openUntil) return 0;
      this.#become('half-open');
    }
    if (this.#trials + this.#succeeded >= this.#settings.successes) return 0;
    this.#trials++;
    return this.#ticket;
  }

  succeeded(ticket: number, now: number): void {
    if (ticket !== this.#ticket) return;
    if (this.#state === 'closed') {
      this.#remember(now, 0);
      return;
    }
    this.#trials--;
    this.#succeeded++;
    if (this.#succeeded >= this.#settings.successes) this.#become('closed');
  }

  failed(ticket: number, now: number): void {
    if (ticket !== this.#ticket) return;
    if (this.#state === 'closed') {
      this.#remember(now, 1);
      if (!this.#tooMany(now)) return;
    }
    this.#openUntil = now + this.#settings.coolDown;
    this.#become('open');
  }

  /** The request said nothing about the backend: it was not sent after all, or its client went away. */
  withdrawn(ticket: number): void {
    if (ticket === this.#ticket && this.#state === 'half-open') this.#trials--;
  }

  /** Milliseconds until it is worth asking again. */
  retryAfter(now: number): number {
    return this.#state === 'open' ? Math.max(0, this.#openUntil - now) : 0;
  }

  #remember(now: number, failed: 0 | 1): void {
    const place = this.#outcomes++ % remembered;
    this.#times[place] = now;
    this.#failed[place] = failed;
  }

  #tooMany(now: number): boolean {
    const since = now - this.#settings.within;
    const known = Math.min(this.#outcomes, remembered);
    let recent = 0;
    let failures = 0;
    for (let place = 0; place < known; place++) {
      if ((this.#times[place] as number) < since) continue;
      recent++;
      failures += this.#failed[place] as number;
    }
    return failures >= this.#settings.failures && failures >= recent * smallestShare;
  }

  #become(state: BreakerState): void {
    this.#state = state;
    this.#ticket++;
    this.#outcomes = 0;
    this.#trials = 0;
    this.#succeeded = 0;
    this.#changed(state);
  }
}
