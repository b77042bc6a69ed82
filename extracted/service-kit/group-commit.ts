import { ProblemError } from './problem.ts';
import type { Session, SqlValue, Tx } from './session.ts';
import type { Store } from './store.ts';

/**
 * A unit of work: it awaits nothing but the transaction's own methods, and it may run more than once (its
 * batch is rolled back and repeated when another unit throws), so it has no effect outside the transaction.
 * Business refusals are better returned than thrown: a throw costs the whole batch a second run.
 */
export type Work<Result> = (tx: Tx) => Promise<Result>;

/** Bounds of a group commit. */
export interface GroupCommitOptions {
  /** Most units in one transaction. Default 256. */
  maxBatch?: number;
  /** Most units that wait for their turn; one more is refused with OverloadedError. Default 5000. */
  maxQueue?: number;
}

/**
 * Many requests' units of work in one transaction, with one durable commit. While a commit is under way the
 * next batch gathers; there is no timer, so a lone request waits for nobody.
 */
export interface GroupCommit {
  /**
   * Runs `work` and answers its result after the COMMIT of its batch succeeded: what was answered survives a
   * crash. Units run in the order of submission. On PostgreSQL units with a `lockKey` (the row they fight for)
   * run in its order within a batch, so that instances lock rows in the same order and rarely deadlock.
   */
  submit<Result>(work: Work<Result>, options?: { lockKey?: SqlValue }): Promise<Result>;
  /** Units waiting for their turn. */
  readonly queued: number;
  /** Takes no more units, and resolves when those it has taken are committed. */
  close(): Promise<void>;
}

/** More work waits than can be done soon. Nothing was changed. */
export class OverloadedError extends ProblemError {
  constructor(detail = 'More work is waiting than this service can do soon.') {
    super('overloaded', {
      status: 503,
      detail,
      hint: 'Nothing was changed; repeat the request later.',
      retryAfterSeconds: 1,
    });
    this.name = 'OverloadedError';
  }
}

/** The store cannot be reached or cannot write. Nothing was changed. */
export class StoreUnavailableError extends ProblemError {
  constructor(cause: unknown) {
    super('store_unavailable', {
      status: 503,
      detail: 'The service cannot reach its database.',
      hint: 'Nothing was changed; repeat the request later.',
      retryAfterSeconds: 2,
      cause,
    });
    this.name = 'StoreUnavailableError';
  }
}

/** The connection broke during COMMIT: whether the work is durable is not known. Look before repeating. */
export class CommitOutcomeUnknownError extends ProblemError {
  constructor(cause: unknown) {
    super('commit_outcome_unknown', {
      status: 503,
      detail: 'The database went away while it was committing.',
      hint: 'Look whether the change was made before repeating it.',
      retryAfterSeconds: 2,
      cause,
    });
    this.name = 'CommitOutcomeUnknownError';
  }
}

/** What a group commit needs of a store. */
type CommittingStore = Pick<Store<never>, 'dialect' | 'session'>;

interface Unit {
  work: Work<unknown>;
  lockKey: SqlValue | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type Outcome = { value: unknown } | { error: unknown };

/** Starts a group commit on a store. Close it before the store. */
export function createGroupCommit(store: CommittingStore, options: GroupCommitOptions = {}): GroupCommit {
  const maxBatch = options.maxBatch ?? 256;
  const maxQueue = options.maxQueue ?? 5000;
  const queue: Unit[] = [];
  let running: Promise<void> | undefined;
  let closed = false;

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      // One turn of the event loop: answers of the last batch go out, and requests that arrived join this one.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = queue.splice(0, maxBatch);
      if (store.dialect === 'postgres') batch.sort(byLockKey);
      await commitBatch(store, batch);
    }
    running = undefined;
  }

  return {
    submit<Result>(work: Work<Result>, { lockKey }: { lockKey?: SqlValue } = {}) {
      if (closed) return Promise.reject(new OverloadedError('This service is shutting down.'));
      if (queue.length >= maxQueue) return Promise.reject(new OverloadedError());
      return new Promise<Result>((resolve, reject) => {
        queue.push({ work, lockKey, resolve: resolve as (value: unknown) => void, reject });
        running ??= drain();
      });
    },
    get queued() {
      return queue.length;
    },
    async close() {
      closed = true;
      await running;
    },
  };
}

function byLockKey(a: Unit, b: Unit): number {
  const [left, right] = [String(a.lockKey ?? ''), String(b.lockKey ?? '')];
  return left < right ? -1 : left > right ? 1 : 0;
}

const mostDeadlocks = 5;

/** Never throws: every unit of the batch is resolved or rejected. */
async function commitBatch(store: CommittingStore, batch: Unit[]): Promise<void> {
  // Savepoints cost a round trip each and are needed only when a unit throws: first without, then with them.
  let isolated = false;
  for (let deadlocks = 0; ; ) {
    let session: Session | undefined;
    try {
      session = await store.session();
      await session.execute('begin');
    } catch (error) {
      session?.end(true);
      return rejectAll(batch, new StoreUnavailableError(error));
    }
    let outcomes: Outcome[];
    try {
      outcomes = await runUnits(session, batch, isolated);
    } catch (error) {
      await abandon(session);
      if (isDeadlock(error) && deadlocks < mostDeadlocks) {
        deadlocks += 1;
      } else if (isolated) {
        return rejectAll(batch, new StoreUnavailableError(error));
      } else {
        isolated = true;
      }
      continue;
    }
    try {
      await session.execute('commit');
    } catch (error) {
      await abandon(session);
      // SQLite answers a failed COMMIT itself; over a network the answer may be what was lost.
      const failure = store.dialect === 'sqlite' ? StoreUnavailableError : CommitOutcomeUnknownError;
      return rejectAll(batch, new failure(error));
    }
    session.end(false);
    return settle(batch, outcomes);
  }
}

/** Throws when the transaction as a whole cannot go on; in isolation one unit's failure is its own outcome. */
async function runUnits(session: Session, batch: Unit[], isolated: boolean): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const unit of batch) {
    if (!isolated) {
      outcomes.push({ value: await unit.work(session.tx) });
      continue;
    }
    await session.execute('savepoint');
    try {
      const value = await unit.work(session.tx);
      await session.execute('release');
      outcomes.push({ value });
    } catch (error) {
      if (isDeadlock(error)) throw error;
      await session.execute('rollbackTo');
      await session.execute('release');
      outcomes.push({ error });
    }
  }
  return outcomes;
}

async function abandon(session: Session): Promise<void> {
  try {
    await session.execute('rollback');
    session.end(false);
  } catch {
    // SQLite has rolled back by itself after some errors; a PostgreSQL connection that cannot is thrown away.
    session.end(true);
  }
}

function isDeadlock(error: unknown): boolean {
  const code = (error as { code?: string } | undefined)?.code;
  return code === '40P01' || code === '40001';
}

function settle(batch: Unit[], outcomes: Outcome[]): void {
  for (const [index, unit] of batch.entries()) {
    const outcome = outcomes[index];
    if (outcome !== undefined && 'value' in outcome) unit.resolve(outcome.value);
    else unit.reject(outcome?.error);
  }
}

function rejectAll(batch: Unit[], error: Error): void {
  for (const unit of batch) unit.reject(error);
}
