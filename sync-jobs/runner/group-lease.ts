import { randomUUID } from 'node:crypto';
import { groupLease, holdLease, leaseTime, releaseLease } from '../lease/lease.ts';
import type { Store } from '../stores/store.ts';

/** The lease by which one instance at a time works on a group. */
export class GroupLease {
  readonly #name: string;
  readonly #store: Store;
  readonly #holder = randomUUID();
  /** When it was last taken or renewed; 0 while it is not ours. */
  #renewed = 0;

  constructor(group: string, legacy: Store) {
    this.#name = groupLease(group);
    this.#store = legacy;
  }

  /** It is ours, and need not be renewed yet. */
  get fresh(): boolean {
    return this.#renewed > 0 && performance.now() - this.#renewed < leaseTime / 3;
  }

  /** Takes or renews it; the answer is whether it is ours. */
  async hold(): Promise<boolean> {
    const held = await this.#store.transaction((writer) =>
      holdLease(writer, this.#store.dialect, this.#name, this.#holder),
    );
    this.#renewed = held ? performance.now() : 0;
    return held;
  }

  /** Gives it back, as far as that can be done. */
  async release(): Promise<void> {
    if (this.#renewed === 0) return;
    await this.#store
      .transaction((writer) => releaseLease(writer, this.#name, this.#holder))
      // It runs out by itself.
      .catch(() => {});
  }
}
