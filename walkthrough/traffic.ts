import type { Client } from './client.ts';

/** Requests that keep coming while routes change, as they do in life. */
export class Traffic {
  /** Answers by the backend that gave them. */
  readonly servedBy: Record<string, number> = {};
  failures = 0;
  readonly #senders: Promise<void>[] = [];
  #running = true;
  #waiting = () => {};

  /** Several senders at once, each asking again as soon as it has its answer. */
  static start(client: Client, path: string, senders = 4): Traffic {
    const traffic = new Traffic();
    for (let sender = 0; sender < senders; sender++) traffic.#senders.push(traffic.#send(client, path));
    return traffic;
  }

  get total(): number {
    return Object.values(this.servedBy).reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when a backend has given so many answers. */
  until(backend: string, answers: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = () => {
        if ((this.servedBy[backend] ?? 0) >= answers) resolve();
      };
    });
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#senders);
  }

  async #send(client: Client, path: string): Promise<void> {
    while (this.#running) {
      try {
        const reply = await client.get(path);
        if (reply.status !== 200) this.failures++;
        this.servedBy[reply.servedBy] = (this.servedBy[reply.servedBy] ?? 0) + 1;
        this.#waiting();
      } catch {
        this.failures++;
      }
    }
  }
}
