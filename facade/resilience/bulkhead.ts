import type { BulkheadSettings } from '../routes/model-resilience.ts';

/** Told when it may go in. */
export type Waiter = () => void;

/**
 * Bounds how many requests are at a backend at once, with a short queue: a slow backend then holds up its own
 * callers, and not the memory and the sockets of all others.
 */
export class Bulkhead {
  readonly settings: BulkheadSettings;
  /** In order of arrival. */
  readonly #queue = new Set<Waiter>();
  #inside = 0;

  constructor(settings: BulkheadSettings) {
    this.settings = settings;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Takes a place, where one is free and nobody waits for it. */
  enter(): boolean {
    if (this.#inside >= this.settings.requests) return false;
    this.#inside++;
    return true;
  }

  /** Stands in the queue; false where that is full. A waiter that is called has a place. */
  queue(waiter: Waiter): boolean {
    if (this.#queue.size >= this.settings.queue) return false;
    this.#queue.add(waiter);
    return true;
  }

  /** Leaves the queue without having been called. */
  giveUp(waiter: Waiter): void {
    this.#queue.delete(waiter);
  }

  /** Gives a place back; it goes to who has waited longest. */
  leave(): void {
    for (const next of this.#queue) {
      this.#queue.delete(next);
      next();
      return;
    }
    this.#inside--;
  }
}
