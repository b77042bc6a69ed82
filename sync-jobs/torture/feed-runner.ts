import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Owner } from '../mapping/group.ts';
import type { FeedSettings, FromFeed, ToFeed } from './messages.ts';
import { Random } from './random.ts';

/** Kills of the process that runs the feeds: at any moment, and in a writing transaction. */
export interface Kills {
  anywhere: number;
  inTransaction: number;
  /** Times that the next process was started before the last one was killed. */
  overlapping: number;
}

/** Keeps the feeds running: starts their process again whenever it is killed, which it also sees to. */
export class FeedRunner {
  readonly kills: Kills = { anywhere: 0, inTransaction: 0, overlapping: 0 };
  readonly #settings: Omit<FeedSettings, 'name'>;
  readonly #random: Random;
  readonly #failed: (reason: string) => void;
  #owner: Owner;
  #child: ChildProcess | undefined;
  /** Those whose end is seen to by who killed them. */
  readonly #killed = new WeakSet<ChildProcess>();
  readonly #alive = new Set<ChildProcess>();
  #old: Promise<unknown> = Promise.resolve();
  #started = 0;
  #stopped = false;
  /** What the process was asked for and has not answered; asked again of the next one. */
  #pending: { message: ToFeed; done: (answer: FromFeed) => boolean } | undefined;
  /** What the process said last when it was asked to drain and could not. */
  lag = '';

  constructor(settings: Omit<FeedSettings, 'name'>, failed: (reason: string) => void) {
    this.#settings = settings;
    this.#owner = settings.owner;
    this.#failed = failed;
    this.#random = new Random(settings.seed, 'kills');
    this.#start();
  }

  /** Kills the process and waits until its successor is started. */
  async kill(): Promise<void> {
    const child = this.#child;
    const overlap = this.#random.chance(0.2);
    const pause = this.#random.below(300);
    if (child === undefined || isOver(child)) return;
    if (overlap) {
      this.kills.overlapping++;
      this.#start();
      await delay(pause);
    }
    if (isOver(child)) return;
    this.kills.anywhere++;
    this.#killed.add(child);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    if (overlap) return;
    this.#child = undefined;
    await delay(pause);
    this.#start();
  }

  /** Resolves when both feeds have carried over everything. */
  drain(): Promise<void> {
    const id = this.#random.below(2 ** 31);
    return this.#ask({ kind: 'drain', id }, (answer) => answer.kind === 'drained' && answer.id === id);
  }

  /** Resolves when no step under the former owner runs any more. */
  async setOwner(owner: Owner): Promise<void> {
    this.#owner = owner;
    await this.#old;
    await this.#ask({ kind: 'owner', owner }, (answer) => answer.kind === 'owner' && answer.owner === owner);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(
      [...this.#alive].map(async (child) => {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }

  #ask(message: ToFeed, done: (answer: FromFeed) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#pending = {
        message,
        done(answer) {
          if (!done(answer)) return false;
          resolve();
          return true;
        },
      };
      this.#send();
    });
  }

  #send(): void {
    const child = this.#child;
    if (this.#pending === undefined || child === undefined || !child.connected) return;
    // A process that dies in this moment is asked again after its successor has started.
    child.send(this.#pending.message, () => {});
  }

  #start(): void {
    if (this.#stopped) return;
    const settings = { ...this.#settings, owner: this.#owner, name: `feed ${this.#started++}` };
    const child = fork(path.join(import.meta.dirname, 'feed-process.ts'), [JSON.stringify(settings)]);
    const former = this.#child;
    this.#old = former === undefined || isOver(former) ? Promise.resolve() : once(former, 'exit');
    this.#alive.add(child);
    this.#child = child;
    child.on('message', (message: FromFeed) => {
      if (message.kind === 'failed') this.#failed(message.reason);
      if (message.kind === 'lag') this.lag = message.text;
      if (child === this.#child && this.#pending?.done(message) === true) this.#pending = undefined;
    });
    child.on('exit', (code, signal) => {
      this.#alive.delete(child);
      if (this.#killed.has(child) || this.#stopped) return;
      if (signal === 'SIGKILL') this.kills.inTransaction++;
      else this.#failed(`the process that runs the feeds ended with exit code ${code}`);
      setTimeout(() => {
        if (child === this.#child) this.#start();
      }, this.#random.below(200));
    });
    this.#send();
  }
}

function isOver({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
