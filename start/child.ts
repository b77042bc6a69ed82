import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Failure } from '@strangler-fig/kernel/failure';

/** How to start one process of the system. */
export interface ChildSpec {
  readonly name: string;
  /** Its runnable file. */
  readonly script: string;
  /** All of its environment: it inherits nothing else. */
  readonly env: Readonly<Record<string, string>>;
  /** Each line that it prints. */
  readonly onLine: (name: string, line: string) => void;
}

/** Why a process is no more. */
export interface Exit {
  readonly name: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Milliseconds from start to ready: seeding and a first backfill on a slow disk included. */
const readyWithin = 120_000;
/** Milliseconds from SIGTERM to SIGKILL. Every process promises to be gone within 10 s. */
const stopWithin = 12_000;

/** One running process. */
export class Child {
  readonly name: string;
  /** The port that it said requests go to. */
  port = 0;
  /** Further ports that it named. */
  ports: Readonly<Record<string, number>> = {};
  /** Resolves when the process is gone, for whatever reason. */
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #lastWords: string[] = [];

  constructor(spec: ChildSpec) {
    this.name = spec.name;
    this.#process = spawn(process.execPath, [spec.script], {
      env: spec.env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A process group of its own, so that Ctrl-C reaches the launcher alone, which stops things in order.
      detached: true,
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (stream === this.#process.stderr) this.#lastWords.push(line);
        if (this.#lastWords.length > 20) this.#lastWords.shift();
        spec.onLine(this.name, line);
      });
    }
    this.exited = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => resolve({ name: this.name, code, signal }));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /**
   * Resolves when the process says that it is ready.
   * @throws Failure `child_failed` with the process's own last words where it ends before, or takes too long.
   */
  async ready(): Promise<this> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Failure('child_late', `${this.name} was not ready within ${readyWithin / 1000} s.`)),
      readyWithin,
    );
    const said = new Promise<{ port: number }>((resolve) => {
      this.#process.on('message', (message) => {
        if (isReady(message)) resolve(message);
      });
    });
    const died = this.exited.then(({ code, signal }) => {
      const words = this.#lastWords.join('\n');
      throw new Failure('child_failed', words === '' ? `${this.name} ended (${code ?? signal}).` : words);
    });
    // Once the process is ready, its end is reported by `exited` and not here.
    died.catch(() => {});
    try {
      const { port, ...ports } = await Promise.race([said, died, late]);
      this.port = port;
      this.ports = ports as Record<string, number>;
      return this;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the process in good order, or by force when it does not end in time. */
  async stop(): Promise<Exit> {
    this.#process.kill('SIGTERM');
    const force = setTimeout(() => this.#process.kill('SIGKILL'), stopWithin);
    const exit = await this.exited;
    clearTimeout(force);
    return exit;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}

function isReady(message: unknown): message is { type: 'ready'; port: number } {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
}
