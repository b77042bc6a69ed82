import { setImmediate } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import { comparePositions } from '../changes/change.ts';
import type { Feed, Step } from '../feed/feed.ts';
import type { Direction, Owner } from '../mapping/group.ts';
import { clearPoison, loadPoison, type Poison, PoisonRow, recordPoison } from '../poison/poison.ts';
import type { Row } from '../stores/value.ts';
import { patiently, retryDelay } from './retry.ts';
import type { FeedStatus } from './status.ts';
import { type Throttle, throttlePause } from './throttle.ts';

/** What a feed's runner works with. */
export interface FeedRunnerOptions {
  feed: Feed;
  direction: Direction;
  owner(): Owner;
  /** Follow changes after the first copy. */
  follow: boolean;
  /** How fast the first copy may go. */
  throttle: Throttle;
  /** Resolves before each step, when it may be made. */
  allowed(): Promise<boolean>;
  onStep(step: Step): void;
  /** An attempt failed; it is made again after so many milliseconds. */
  onFailure(error: unknown, pause: number): void;
}

/** How long a feed that has nothing to do waits for a change before it looks by itself, in milliseconds. */
const lookAnyway = 1_000;

/** Steps one feed again and again, whenever something changed. */
export class FeedRunner {
  readonly feed: Feed;
  readonly direction: Direction;
  readonly #options: FeedRunnerOptions;
  readonly #stopping = new AbortController();
  #failures = 0;
  #lastCode = '';
  #interrupt = new AbortController();
  #running: Promise<void> | undefined;
  /** It has copied, and was not asked to follow. */
  #ended = false;
  /** What must not happen during a step, nor two at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #waiting: { position: string; reached: () => void }[] = [];
  #position: string | undefined;
  /** Whoever waits for a copy anew. */
  #copies: PromiseWithResolvers<{ rows: number }>[] = [];
  #poison: Poison | undefined;
  #known = false;
  #lag: Awaited<ReturnType<Feed['lag']>> = { rows: 0, seconds: 0, heldBackBy: [] };
  #recent: { at: number; changes: number }[] = [];

  constructor(options: FeedRunnerOptions) {
    this.#options = options;
    this.feed = options.feed;
    this.direction = options.direction;
  }

  start(): void {
    this.#ended = false;
    this.#running = this.#loop().finally(() => {
      this.#ended = true;
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#interrupt.abort();
    await this.#running?.catch(() => {});
    const stopping = new Failure(
      'stopping',
      'sync-jobs is stopping; the copy goes on when it is started again.',
    );
    for (const { reject } of this.#copies.splice(0)) reject(stopping);
    await this.#turn.catch(() => {});
    await Promise.all([this.feed.source.close(), this.feed.target.close()]);
  }

  /** Ends a pause: something may go now that did not before. */
  wake(): void {
    this.#interrupt.abort();
  }

  get poison(): Poison | undefined {
    return this.#poison;
  }

  /** Does something while no step runs. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /**
   * Copies everything anew, in this runner's own steps, and resolves when that is done. Rejects with the first failure
   * meanwhile; the copy goes on by itself when that is mended.
   */
  async copyAnew(): Promise<{ rows: number }> {
    await this.exclusively(() => patiently(() => this.feed.beginAnew(), this.#stopping.signal));
    const copy = Promise.withResolvers<{ rows: number }>();
    this.#copies.push(copy);
    this.wake();
    if (this.#ended) this.start();
    return copy.promise;
  }

  /** Copies rows anew, as part of the feed's own work. */
  async repair(table: string, keys: Row[]): Promise<void> {
    const owner = this.#options.owner();
    for (let at = 0; at < keys.length; at += 500) {
      const part = { table, keys: keys.slice(at, at + 500) };
      const signal = this.#stopping.signal;
      const step = await this.exclusively(() => patiently(() => this.feed.step(owner, part), signal));
      this.#took({ ...step, copied: 0 });
    }
  }

  /** Resolves with true when the feed has applied everything before a position, with false if it does not within a while. */
  reached(position: string, within: number): Promise<boolean> {
    if (this.#isAt(position)) return Promise.resolve(true);
    this.wake();
    return new Promise((resolve) => {
      const waiting = {
        position,
        reached: () => {
          clearTimeout(timer);
          resolve(true);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        resolve(false);
      }, within);
      this.#waiting.push(waiting);
    });
  }

  async status(): Promise<FeedStatus> {
    const { feed } = this;
    // What cannot be asked now is as it was when last asked.
    this.#lag = await feed.lag().catch(() => this.#lag);
    const { rows, seconds, heldBackBy } = this.#lag;
    const now = performance.now();
    this.#recent = this.#recent.filter(({ at }) => now - at < 10_000);
    const live =
      this.direction === 'forward' ? this.#options.owner() === 'legacy' : this.#options.owner() === 'service';
    return {
      name: feed.name,
      role: live ? 'live' : 'armed',
      from: feed.source.place,
      to: feed.target.place,
      position: feed.state?.position ?? null,
      lag: { rows, seconds },
      heldBackBy,
      applied: feed.state?.applied ?? 0,
      perSecond: Math.round(this.#recent.reduce((sum, { changes }) => sum + changes, 0) / 10),
      foreignChanges: feed.state?.foreignChanges ?? 0,
    };
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (!(await this.#options.allowed())) {
          await this.#pause(lookAnyway);
          continue;
        }
        if (!this.#known) await this.#knowPoison();
        const started = performance.now();
        const step = await this.exclusively(() =>
          patiently(() => this.feed.step(this.#options.owner()), signal),
        );
        if (signal.aborted) return;
        await this.#mended();
        this.#took(step);
        const copying = !step.state.backfill.done;
        if (!copying && !this.#options.follow) return;
        if (step.idle) await this.#change();
        else if (step.copied > 0)
          await this.#pause(throttlePause(this.#options.throttle, step, performance.now() - started));
        // SQLite's calls block this process; what else it does has its turn between two steps.
        await setImmediate();
      } catch (error) {
        if (signal.aborted) return;
        await this.#failed(error);
      }
    }
  }

  #took(step: Step): void {
    this.#failures = 0;
    this.#position = step.reached;
    if (step.changes > 0) this.#recent.push({ at: performance.now(), changes: step.changes });
    const there = this.#waiting.filter(({ position }) => this.#isAt(position));
    this.#waiting = this.#waiting.filter((one) => !there.includes(one));
    for (const { reached } of there) reached();
    this.#options.onStep(step);
    const { done, rows } = step.state.backfill;
    if (done) for (const { resolve } of this.#copies.splice(0)) resolve({ rows });
  }

  #isAt(position: string): boolean {
    return this.#position !== undefined && comparePositions(this.#position, position) >= 0;
  }

  async #failed(error: unknown): Promise<void> {
    this.feed.forget();
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'internal_error';
    this.#failures = code === this.#lastCode ? this.#failures + 1 : 1;
    this.#lastCode = code;
    if (error instanceof PoisonRow) await this.#keepPoison(error);
    const pause = retryDelay(code, this.#failures);
    this.#options.onFailure(error, pause);
    if (code !== 'feed_moved') for (const { reject } of this.#copies.splice(0)) reject(error);
    await this.#pause(pause);
  }

  async #keepPoison(row: PoisonRow): Promise<void> {
    const { target, name } = this.feed;
    this.#poison = await target
      .transaction(async (writer) => {
        await recordPoison(writer, name, row);
        return loadPoison(writer, name);
      })
      // What cannot be kept now is met again at the next attempt.
      .catch(() => this.#poison);
  }

  /** A row that another process stood before: it is over when a step succeeds. */
  async #knowPoison(): Promise<void> {
    this.#poison = await this.feed.target.snapshot((session) => loadPoison(session, this.feed.name));
    this.#known = true;
  }

  async #mended(): Promise<void> {
    if (this.#poison === undefined) return;
    await this.feed.target.transaction((writer) => clearPoison(writer, this.feed.name));
    this.#poison = undefined;
  }

  async #change(): Promise<void> {
    const signal = this.#anySignal();
    await this.feed.source.changed(lookAnyway, signal);
  }

  #pause(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return Promise.resolve();
    const signal = this.#anySignal();
    return new Promise((resolve) => {
      const timer = setTimeout(done, milliseconds);
      function done() {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  /** Aborted by `wake` since the last pause, too: what woke us then is not slept over. */
  #anySignal(): AbortSignal {
    if (this.#interrupt.signal.aborted && !this.#stopping.signal.aborted) {
      const woken = this.#interrupt.signal;
      this.#interrupt = new AbortController();
      return woken;
    }
    return this.#interrupt.signal;
  }
}
