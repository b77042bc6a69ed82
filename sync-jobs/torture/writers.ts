import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { addCounts, type Counts } from './counts.ts';
import type { FromWriter, ToWriter, WriterSettings } from './messages.ts';

/** The applications of one side, each a process of its own. */
export class Writers {
  readonly #children: ChildProcess[];
  readonly #running = new Set<ChildProcess>();
  #paused = () => {};

  constructor(all: WriterSettings[], counts: Counts, failed: (reason: string) => void) {
    const file = path.join(import.meta.dirname, 'writer-process.ts');
    this.#children = all.map((settings) => {
      const child = fork(file, [JSON.stringify(settings)]);
      child.on('message', (message: FromWriter) => {
        if (message.kind === 'counts') addCounts(counts, message.counts);
        if (message.kind === 'failed') failed(message.reason);
        if (message.kind === 'paused') this.#hasPaused(child);
      });
      child.on('exit', (code, signal) => {
        this.#hasPaused(child);
        if (signal === null && code !== 0) failed(`${settings.name} ended with exit code ${code}`);
      });
      return child;
    });
  }

  run(): void {
    for (const child of this.#children) {
      this.#running.add(child);
      child.send('run' satisfies ToWriter);
    }
  }

  /** Resolves when the last transaction is over. */
  async pause(): Promise<void> {
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#paused = resolve;
      for (const child of this.#running) child.send('pause' satisfies ToWriter);
    });
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.disconnect();
        await once(child, 'exit');
      }),
    );
  }

  #hasPaused(child: ChildProcess): void {
    this.#running.delete(child);
    if (this.#running.size === 0) this.#paused();
  }
}
