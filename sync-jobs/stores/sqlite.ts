import { type FSWatcher, statSync, watch } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import Database from 'better-sqlite3';
import { originTable } from './origin.ts';
import { storeFailure } from './sqlite-failure.ts';
import { readShape } from './sqlite-shape.ts';
import { SqliteWriter } from './sqlite-writer.ts';
import type { Session, Store, TableShape, Writer } from './store.ts';

/**
 * better-sqlite3 blocks this process while it waits for a lock, so it waits for a moment only; the caller waits
 * longer without blocking.
 */
const lockWait = 20;

/** How long in all a locked database is waited for, in milliseconds. */
const longestWait = 10_000;

/** How long after a sign of change the version is looked at again, in milliseconds: the commit ends after its writes. */
const looks = [0, 1, 2, 5, 10, 20];

/** An SQLite file. It is never created here: that is the business of the application it belongs to. */
export class SqliteStore implements Store {
  readonly dialect = 'sqlite';
  readonly place: string;
  #open: { database: Database.Database; inode: bigint } | undefined;
  #version: unknown;
  /** One transaction at a time: two users of this store must not find themselves in one. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(file: string) {
    this.place = file;
  }

  async shape(table: string): Promise<TableShape | undefined> {
    return this.#inTurn(async () => {
      const database = this.#use();
      return database === undefined ? undefined : this.#translating(() => readShape(database, table));
    });
  }

  snapshot<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#inTransaction('BEGIN', work);
  }

  transaction<T>(work: (writer: Writer) => Promise<T>, options?: { origin?: string }): Promise<T> {
    return this.#inTransaction('BEGIN IMMEDIATE', async (session) => {
      const { origin } = options ?? {};
      if (origin !== undefined) {
        // Seen by this transaction's triggers alone: it is gone again before the commit.
        await session.run(`INSERT INTO ${originTable} (id, feed) VALUES (1, ?)`, [origin]);
      }
      const result = await work(session);
      if (origin !== undefined) await session.run(`DELETE FROM ${originTable}`);
      return result;
    });
  }

  async changed(within: number, signal: AbortSignal): Promise<void> {
    const before = this.#version;
    const deadline = performance.now() + within;
    while (!signal.aborted && performance.now() < deadline) {
      const sign = this.#sign(Math.max(1, deadline - performance.now()), signal);
      if (this.#differs(before)) return sign.cancel();
      await sign.come;
      for (const pause of looks) {
        if (pause > 0) await delay(pause, undefined, { signal }).catch(() => {});
        if (signal.aborted || this.#differs(before)) return;
      }
    }
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {});
    this.#open?.database.close();
    this.#open = undefined;
  }

  /** Whether another connection has committed since; remembers what it found. A file that is locked is looked at later. */
  #differs(before: unknown): boolean {
    const database = this.#use();
    if (database === undefined) return false;
    try {
      this.#version = this.#translating(() => database.pragma('data_version', { simple: true }));
    } catch (error) {
      if (error instanceof Failure && error.code === 'store_busy') return false;
      throw error;
    }
    return this.#version !== before;
  }

  /** Resolves when a file of the database was written. */
  #sign(within: number, signal: AbortSignal): { come: Promise<void>; cancel: () => void } {
    const name = path.basename(this.place);
    let cancel = () => {};
    const come = new Promise<void>((resolve) => {
      let watcher: FSWatcher | undefined;
      const timer = setTimeout(() => cancel(), within);
      cancel = () => {
        clearTimeout(timer);
        watcher?.close();
        signal.removeEventListener('abort', cancel);
        resolve();
      };
      signal.addEventListener('abort', cancel);
      try {
        watcher = watch(path.dirname(this.place), (_, file) => {
          if (file === null || file.startsWith(name)) cancel();
        });
        watcher.on('error', cancel);
      } catch {
        // The folder is not there yet: the time-out is the sign.
      }
    });
    return { come, cancel };
  }

  #inTransaction<T>(begin: string, work: (writer: Writer) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const database = this.#required();
      const translating = <R>(part: () => R) => this.#translating(part);
      await unlocked(() => translating(() => beginWith(database, begin)));
      const writer = new SqliteWriter(database, translating);
      try {
        const result = await work(writer);
        // A reader may keep a commit waiting; the transaction stays as it is meanwhile.
        await unlocked(() => translating(() => database.exec('COMMIT')));
        return result;
      } catch (error) {
        if (database.inTransaction) database.exec('ROLLBACK');
        throw error;
      } finally {
        await this.#unlink(writer);
      }
    });
  }

  /** What was attached has to be read to be detached, which another process may keep us from; a new connection has nothing. */
  async #unlink(writer: SqliteWriter): Promise<void> {
    try {
      await unlocked(() => this.#translating(() => writer.unlink()));
    } catch {
      this.#open?.database.close();
      this.#open = undefined;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  #required(): Database.Database {
    const database = this.#use();
    if (database !== undefined) return database;
    throw new Failure('store_unavailable', `The database file ${this.place} does not exist.`, {
      hint: 'Start the application that it belongs to.',
    });
  }

  /** The open database; opened again when the file was replaced, which an open handle would never notice. */
  #use(): Database.Database | undefined {
    const inode = statSync(this.place, { bigint: true, throwIfNoEntry: false })?.ino;
    if (this.#open !== undefined && this.#open.inode !== inode && !this.#open.database.inTransaction) {
      this.#open.database.close();
      this.#open = undefined;
    }
    if (inode === undefined) return undefined;
    this.#open ??= { database: this.#translating(() => this.#connect()), inode };
    return this.#open.database;
  }

  #connect(): Database.Database {
    const database = new Database(this.place, { fileMustExist: true, timeout: lockWait });
    database.defaultSafeIntegers(true);
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    return database;
  }

  #translating<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof Database.SqliteError ? storeFailure(error, this.place) : error;
    }
  }
}

/** A transaction that only reads takes its lock with the first read: here, where it can be waited for. */
function beginWith(database: Database.Database, begin: string): void {
  database.exec(begin);
  try {
    database.exec('SELECT 1 FROM sqlite_schema LIMIT 1');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** Tries again, without blocking the process, while somebody else has the lock. */
async function unlocked(work: () => void): Promise<void> {
  const started = performance.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return work();
    } catch (error) {
      const busy = error instanceof Failure && error.code === 'store_busy';
      if (!busy || performance.now() - started > longestWait) throw error;
      // Spread out, so that two waiting processes do not meet again and again.
      await delay(Math.min(100, 2 ** attempt) * (0.5 + Math.random()));
    }
  }
}
