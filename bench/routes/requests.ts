import { Agent, get } from 'node:http';

/** Requests on several kept connections, each sent a moment after the last answer, until they are stopped. */
export class Requests {
  failed = 0;
  answered = 0;
  /** Milliseconds that the slowest took since it was last set to 0. */
  slowest = 0;
  readonly #agent: Agent;
  readonly #url: string;
  readonly #running: Promise<unknown>;
  #stopped = false;

  constructor(port: number, path: string, connections: number) {
    this.#url = `http://127.0.0.1:${port}${path}`;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#running = Promise.all(Array.from({ length: connections }, () => this.#loop()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.#agent.destroy();
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      const start = performance.now();
      const status = await this.#one().catch(() => 0);
      if (status === 200) this.answered++;
      else this.failed++;
      this.slowest = Math.max(this.slowest, performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #one(): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const request = get(this.#url, { agent: this.#agent }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
        response.on('error', reject);
      });
      request.on('error', reject);
    });
  }
}
