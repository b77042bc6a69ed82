/**
 * Gives out turns of the event loop, one to each who waits. What arrives for clients is dealt with in between, so
 * that work which nobody waits for makes them wait no longer than one piece of it takes.
 */
export class SpareTurns {
  readonly #waiting: (() => void)[] = [];
  #running = false;

  /** Resolves when it is one's turn. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#running) return;
      this.#running = true;
      setImmediate(this.#run);
    });
  }

  readonly #run = (): void => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#run);
    else this.#running = false;
  };
}
