import { Failure } from '@strangler-fig/kernel/failure';
import type { Logger } from '@strangler-fig/kernel/log';
import { passGroup } from '../backfill/group-pass.ts';
import type { Counts } from '../backfill/table-pass.ts';
import type { GroupDeclaration } from '../mapping/group.ts';
import type { Store } from '../stores/store.ts';
import { retryDelay } from './retry.ts';
import type { GroupState, GroupStatus, PassReport } from './status.ts';

/** What a group's runner works with. */
export interface RunnerOptions {
  group: GroupDeclaration;
  source: Store;
  target: Store;
  /** At most so many rows are held and written at a time. */
  chunkRows: number;
  log: Logger;
  /** Called whenever a pass got further. */
  onProgress(status: GroupStatus): void;
  /** Called when a pass is done. */
  onPass(status: GroupStatus, pass: PassReport): void;
}

/**
 * Runs the passes of one group, never two at a time: at start, at every tick that finds something changed, and
 * when asked. A pass that fails is tried again with growing pauses, whatever the schedule says.
 */
export class GroupRunner {
  /** Resolves when the first pass is complete; never rejects. */
  readonly backfilled: Promise<void>;
  readonly #options: RunnerOptions;
  readonly #status: GroupStatus;
  readonly #stopping = new AbortController();
  #markBackfilled: () => void = () => {};
  #running: Promise<PassReport> | undefined;
  #queued: Promise<PassReport> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #unchanged: string | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#status = {
      name: options.group.name,
      state: 'starting',
      from: options.source.place,
      to: options.target.place,
      backfilled: false,
      progress: { done: 0, total: null },
      lastPass: null,
      lastSuccessAt: null,
      totals: { read: 0, written: 0, removed: 0, passes: 0 },
      errors: {},
      error: null,
    };
    this.backfilled = new Promise((resolve) => {
      this.#markBackfilled = resolve;
    });
  }

  get name(): string {
    return this.#status.name;
  }

  status(): GroupStatus {
    return structuredClone(this.#status);
  }

  /** What the schedule calls. Does nothing during a pass, nor while a failed one waits for its next attempt. */
  tick(): void {
    if (this.#running !== undefined || this.#retry !== undefined || this.#stopping.signal.aborted) return;
    this.#begin('if-changed').catch(() => {});
  }

  /** One full pass that starts after this call, so that everything committed before it is seen. */
  runNow(): Promise<PassReport> {
    if (this.#running === undefined) return this.#begin('always');
    this.#queued ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#queued = undefined;
        return this.#begin('always');
      });
    return this.#queued;
  }

  /** Ends the running pass between two chunks, and closes both stores. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#retry);
    await this.#running?.catch(() => {});
    this.#status.state = 'stopped';
    await Promise.all([this.#options.source.close(), this.#options.target.close()]);
  }

  #begin(when: 'if-changed' | 'always'): Promise<PassReport> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#running = this.#attempt(when).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #attempt(when: 'if-changed' | 'always'): Promise<PassReport> {
    this.#stopping.signal.throwIfAborted();
    try {
      // Read before the pass: a change that comes during it leaves the tokens different.
      const tokens = await this.#changeTokens();
      const last = this.#status.lastPass;
      if (when === 'if-changed' && last !== null && tokens === this.#unchanged) {
        this.#status.lastSuccessAt = new Date().toISOString();
        return last;
      }
      const report = await this.#pass();
      this.#unchanged = tokens;
      this.#succeeded(report);
      return report;
    } catch (error) {
      this.#unchanged = undefined;
      this.#failed(error);
      throw error;
    }
  }

  async #changeTokens(): Promise<string> {
    const { source, target } = this.#options;
    return `${await source.changeToken()} ${await target.changeToken()}`;
  }

  async #pass(): Promise<PassReport> {
    const { group, source, target, chunkRows, onProgress } = this.#options;
    const status = this.#status;
    const startedAt = new Date();
    const started = performance.now();
    let done = 0;
    const counts = await passGroup({
      group,
      source,
      target,
      chunkRows,
      signal: this.#stopping.signal,
      countRows: !status.backfilled,
      onTotal: (rows) => {
        status.progress = { done: 0, total: rows };
      },
      onProgress: (soFar: Counts) => {
        this.#enter('running');
        if (status.error?.code === 'tables_missing') status.error = null;
        status.totals.read += soFar.read - done;
        done = soFar.read;
        status.progress.done = done;
        onProgress(this.status());
      },
    });
    status.progress = { done: counts.read, total: counts.read };
    return { startedAt: startedAt.toISOString(), seconds: (performance.now() - started) / 1000, ...counts };
  }

  #succeeded(report: PassReport): void {
    const status = this.#status;
    this.#failures = 0;
    this.#enter('idle');
    const mended = status.error !== null && status.error.code !== 'tables_missing';
    if (mended) this.#options.log.info({ group: this.name, code: status.error?.code }, 'works again');
    status.error = null;
    status.lastPass = report;
    status.lastSuccessAt = new Date().toISOString();
    status.totals.written += report.written;
    status.totals.removed += report.removed;
    status.totals.passes++;
    const first = !status.backfilled;
    status.backfilled = true;
    this.#options.onPass(this.status(), report);
    if (first) this.#markBackfilled();
  }

  #failed(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const failure = error instanceof Failure ? error : defect(error);
    const known = this.#status.error;
    const repeated = known?.code === failure.code && known.message === failure.message;
    this.#failures = known?.code === failure.code ? this.#failures + 1 : 1;
    const pause = retryDelay(failure.code, this.#failures);
    this.#status.error = {
      code: failure.code,
      message: failure.message,
      ...(failure.hint === undefined ? {} : { hint: failure.hint }),
      since: repeated ? known.since : new Date().toISOString(),
      retryAt: new Date(Date.now() + pause).toISOString(),
    };
    this.#enter(stateAfter(failure.code));
    if (failure.code !== 'tables_missing') {
      this.#status.errors[failure.code] = (this.#status.errors[failure.code] ?? 0) + 1;
    }
    if (!repeated) this.#report(failure);
    this.#retry = setTimeout(() => this.#begin('always').catch(() => {}), pause);
  }

  #report(failure: Failure): void {
    const { log } = this.#options;
    const fields = { group: this.name, code: failure.code };
    if (failure.code === 'tables_missing') log.info(fields, failure.line);
    else log.error({ ...fields, err: failure.cause }, failure.line);
  }

  #enter(state: GroupState): void {
    this.#status.state = state;
  }
}

function stateAfter(code: string): GroupState {
  if (code === 'tables_missing') return 'waiting';
  return code === 'declaration_refused' ? 'refused' : 'retrying';
}

function defect(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return new Failure('internal_error', `A pass failed: ${message}`, {
    hint: 'This is a defect of sync-jobs; the log has its stack.',
    cause: error,
  });
}
