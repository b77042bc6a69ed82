/** Milliseconds that are looked back on, in pieces. */
const piece = 1_000;
const pieces = 10;

/** So many are always allowed in that time: a share of few requests would be none. */
const leastAllowed = 3;

/**
 * Bounds repetitions to a share of the requests of the last ten seconds, so that a backend that fails gets little
 * more than its usual load, not a multiple. Times are milliseconds of any one clock.
 */
export class RetryBudget {
  readonly #share: number;
  readonly #requests = new Float64Array(pieces);
  readonly #repeated = new Float64Array(pieces);
  #piece = 0;

  /** @param share repetitions per request, from 0 to 1. */
  constructor(share: number) {
    this.#share = share;
  }

  /** Counts a request. */
  request(now: number): void {
    const place = this.#at(now);
    this.#requests[place] = (this.#requests[place] as number) + 1;
  }

  /** Takes one repetition, where there is one left. */
  take(now: number): boolean {
    const place = this.#at(now);
    if (sum(this.#repeated) >= Math.max(leastAllowed, sum(this.#requests) * this.#share)) return false;
    this.#repeated[place] = (this.#repeated[place] as number) + 1;
    return true;
  }

  #at(now: number): number {
    const current = Math.floor(now / piece);
    const passed = Math.min(current - this.#piece, pieces);
    for (let gone = 0; gone < passed; gone++) {
      this.#requests[(current - gone) % pieces] = 0;
      this.#repeated[(current - gone) % pieces] = 0;
    }
    if (passed > 0) this.#piece = current;
    return this.#piece % pieces;
  }
}

function sum(counts: Float64Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
