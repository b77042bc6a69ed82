import type { BackendResilience } from '../routes/model-resilience.ts';
import type { Address } from './address.ts';

/** Chooses which address of a backend gets a request. */
export class Balance {
  readonly addresses: readonly Address[];
  readonly #leastRequests: boolean;
  #turn = 0;

  constructor(addresses: readonly Address[], balance: BackendResilience['balance']) {
    this.addresses = addresses;
    this.#leastRequests = balance === 'least-requests';
  }

  /**
   * The next address that is usable. Where none is, all are tried in turn: a broken health check must not take
   * down what would have answered.
   * @param avoid where the last attempt failed; taken only where there is no other.
   */
  pick(now: number, avoid?: Address): Address {
    const { addresses } = this;
    if (addresses.length === 1) return addresses[0] as Address;
    return (
      this.#choose((address) => address !== avoid && address.usable(now)) ??
      this.#choose((address) => address.usable(now)) ??
      this.#choose((address) => address !== avoid) ??
      (addresses[0] as Address)
    );
  }

  /** Round robin, beginning after the last one chosen; of the least busy, the first in that order. */
  #choose(fits: (address: Address) => boolean): Address | undefined {
    const { addresses } = this;
    let chosen = -1;
    for (let step = 0; step < addresses.length; step++) {
      const place = (this.#turn + step) % addresses.length;
      const address = addresses[place] as Address;
      if (!fits(address)) continue;
      if (chosen === -1 || address.inFlight < (addresses[chosen] as Address).inFlight) chosen = place;
      if (!this.#leastRequests) break;
    }
    if (chosen === -1) return undefined;
    this.#turn = (chosen + 1) % addresses.length;
    return addresses[chosen];
  }
}
