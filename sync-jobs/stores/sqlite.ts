import { statSync } from 'node:fs';
import { Failure } from '@strangler-fig/kernel/failure';
import Database from 'better-sqlite3';
import { bySync } from '../mapping/group.ts';
import { countSql, readSql, removeSql, targetColumns, upsertSql } from './sql.ts';
import type { Applied, Chunk, Column, Row, RowRange, Store, TableShape, TargetTable } from './store.ts';

/**
 * better-sqlite3 blocks this process while it waits for a lock, so it waits for a moment only; the caller waits
 * longer without blocking.
 */
const lockWait = 100;

/** An SQLite file. It is never created here: that is the business of the application it belongs to. */
export class SqliteStore implements Store {
  readonly place: string;
  readonly #readOnly: boolean;
  #open: { database: Database.Database; inode: bigint } | undefined;
  #opened = 0;

  constructor(file: string, readOnly: boolean) {
    this.place = file;
    this.#readOnly = readOnly;
  }

  async shape(table: string): Promise<TableShape | undefined> {
    const database = this.#use();
    return database === undefined ? undefined : this.#translating(() => readShape(database, table));
  }

  async changeToken(): Promise<string> {
    const database = this.#use();
    if (database === undefined) return 'none';
    const version = this.#translating(() => database.pragma('data_version', { simple: true }));
    return `${this.#opened}:${String(version)}`;
  }

  async read(range: RowRange): Promise<Row[]> {
    return this.#translating(() =>
      this.#required()
        .prepare<unknown[], Row>(readSql(range, ['?', '?']))
        .raw()
        .all(range.from, BigInt(range.limit)),
    );
  }

  async count(range: RowRange): Promise<{ rows: number; last: bigint | undefined }> {
    const [rows, last] = this.#translating(
      () =>
        this.#required()
          .prepare<unknown[], [bigint, bigint | null]>(countSql(range, ['?', '?']))
          .raw()
          .get(range.from, BigInt(range.limit))!,
    );
    return { rows: Number(rows), last: last ?? undefined };
  }

  /** SQLite's own key sequence follows inserted keys by itself, so `sequenceAtLeast` asks for nothing more. */
  async apply(target: TargetTable, chunk: Chunk): Promise<Applied> {
    return this.#translating(() => {
      const database = this.#required();
      const marks = targetColumns(target).map(() => '?, ');
      const upsert = database.prepare(upsertSql(target, `VALUES (${marks.join('')}'${bySync}')`));
      const remove = database.prepare(removeSql(target, '= ?'));
      const applied: Applied = { written: 0, removed: 0 };
      // Removals first: a unique value may pass from a row that goes to one that comes.
      const write = database.transaction(() => {
        for (const key of chunk.removals) applied.removed += remove.run(key).changes;
        for (const row of chunk.rows) applied.written += upsert.run(row).changes;
      });
      write.immediate();
      return applied;
    });
  }

  async close(): Promise<void> {
    this.#open?.database.close();
    this.#open = undefined;
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
    if (this.#open !== undefined && this.#open.inode !== inode) {
      this.#open.database.close();
      this.#open = undefined;
    }
    if (inode === undefined) return undefined;
    this.#open ??= { database: this.#translating(() => this.#connect()), inode };
    return this.#open.database;
  }

  #connect(): Database.Database {
    const database = new Database(this.place, {
      readonly: this.#readOnly,
      fileMustExist: true,
      timeout: lockWait,
    });
    database.defaultSafeIntegers(true);
    if (!this.#readOnly) {
      database.pragma('synchronous = FULL');
      database.pragma('foreign_keys = ON');
    }
    this.#opened++;
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

function readShape(database: Database.Database, table: string): TableShape | undefined {
  const columns = database
    .prepare<
      [string],
      { name: string; type: string; notnull: bigint; dflt_value: string | null; pk: bigint; hidden: bigint }
    >('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)')
    .all(table);
  if (columns.length === 0) return undefined;
  const uniqueAlone = database
    .prepare<[string], string>(
      `SELECT min(i.name) FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i
       WHERE l."unique" = 1 AND l.partial = 0 GROUP BY l.name HAVING count(*) = 1`,
    )
    .pluck()
    .all(table);
  const primary = columns.filter((column) => column.pk > 0n);
  return new Map(
    columns.map((column): [string, Column] => {
      const isPrimary = primary.length === 1 && column.pk > 0n;
      const type = affinity(column.type);
      return [
        column.name,
        {
          name: column.name,
          type,
          nullable: column.notnull === 0n && !isPrimary,
          filledByDefault:
            column.dflt_value !== null || column.hidden !== 0n || (isPrimary && type === 'integer'),
          unique: isPrimary || uniqueAlone.includes(column.name),
        },
      ];
    }),
  );
}

/** SQLite's rules for what a declared type means (https://www.sqlite.org/datatype3.html, 3.1). */
function affinity(declared: string): Column['type'] {
  const type = declared.toUpperCase();
  if (type.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT/.test(type)) return 'text';
  return /REAL|FLOA|DOUB/.test(type) ? 'real' : 'other';
}

function storeFailure(error: InstanceType<typeof Database.SqliteError>, place: string): Failure {
  const because = `SQLite at ${place}: ${error.message} (${error.code}).`;
  if (/^SQLITE_(BUSY|LOCKED)/.test(error.code)) {
    return new Failure('store_busy', because, {
      hint: 'Another process holds its lock; this is tried again.',
      cause: error,
    });
  }
  if (/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/.test(error.code)) {
    return new Failure('row_rejected', because, {
      hint: 'Correct the row, or the mapping of its group.',
      cause: error,
    });
  }
  if (/^SQLITE_(CANTOPEN|IOERR|READONLY|PERM)/.test(error.code)) {
    return new Failure('store_unavailable', because, {
      hint: 'Check that the file can be read (a service store: written) and that its application runs.',
      cause: error,
    });
  }
  return new Failure('store_failed', because, { hint: 'See the message of the database.', cause: error });
}
