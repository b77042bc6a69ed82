import type { EjectionSettings, HealthCheckSettings } from '../routes/model-resilience.ts';

/** One url of a backend, and what is known of it. Times are milliseconds of any one clock. */
export class Address {
  readonly url: string;
  /** Requests under way there. */
  inFlight = 0;
  readonly #ejection: EjectionSettings;
  #failuresInARow = 0;
  #ejectedUntil = Number.NEGATIVE_INFINITY;
  #healthy = true;
  /** Answers to health checks in a row that speak against what is held now. */
  #against = 0;

  constructor(url: string, ejection: EjectionSettings) {
    this.url = url;
    this.#ejection = ejection;
  }

  /** By the active checks; true where there are none. */
  get healthy(): boolean {
    return this.#healthy;
  }

  /** Left out for a while, because it took no connections or reset them. */
  ejected(now: number): boolean {
    return now < this.#ejectedUntil;
  }

  usable(now: number): boolean {
    return this.#healthy && now >= this.#ejectedUntil;
  }

  /** It gave an answer, whatever it said. */
  answered(): void {
    this.#failuresInARow = 0;
  }

  /** It took no connection, or broke it off. True where it is ejected for that from now on. */
  failed(now: number): boolean {
    this.#failuresInARow++;
    // Whoever was on the way there when it was ejected does not prolong that.
    if (this.#failuresInARow < this.#ejection.failures || this.ejected(now)) return false;
    // After its time it is ejected again at the first failure, until it has answered once.
    this.#ejectedUntil = now + this.#ejection.for;
    return true;
  }

  /** Takes in the result of a health check. True where it changes what is held of the address. */
  checked(well: boolean, settings: HealthCheckSettings): boolean {
    if (well === this.#healthy) {
      this.#against = 0;
      return false;
    }
    this.#against++;
    if (this.#against < (well ? settings.healthyAfter : settings.unhealthyAfter)) return false;
    this.#against = 0;
    this.#healthy = well;
    return true;
  }
}
