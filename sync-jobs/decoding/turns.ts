/** Lets one after another do what only one can do at a time. */
export class Turns {
  static readonly #all = new Map<string, Turns>();
  #last: Promise<unknown> = Promise.resolve();

  /** Those of everybody in this process who uses what a name stands for. */
  static of(name: string): Turns {
    const turns = Turns.#all.get(name) ?? new Turns();
    Turns.#all.set(name, turns);
    return turns;
  }

  /** Resolves when it is the caller's turn, with what ends it. */
  async take(): Promise<() => void> {
    const before = this.#last;
    let done = () => {};
    this.#last = new Promise<void>((resolve) => {
      done = resolve;
    });
    await before;
    return done;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const done = await this.take();
    try {
      return await work();
    } finally {
      done();
    }
  }
}
