import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { Database, Queries, Value } from './database.ts';

const schema = readFileSync(new URL('./schema.sqlite.sql', import.meta.url), 'utf8');

/** Opens (or creates) a SQLite file. Journal mode and synchronous stay as SQLite has them by default. */
export function openSqlite(file: string): Database {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  const sqlite = new SqliteDatabase(file);
  try {
    sqlite.exec(schema);
  } catch (error) {
    sqlite.close();
    throw error;
  }

  const direct: Queries = {
    async all<Row>(sql: string, params: readonly Value[] = []) {
      return sqlite.prepare(sql).all(...params) as Row[];
    },
    async one<Row>(sql: string, params: readonly Value[] = []) {
      return sqlite.prepare(sql).get(...params) as Row | undefined;
    },
    async run(sql: string, params: readonly Value[] = []) {
      return sqlite.prepare(sql).run(...params).changes;
    },
  };

  // There is one connection, so a query that ran while a transaction awaits would become part of it, and be
  // lost by its rollback. Everything therefore takes its turn; a transaction is one turn.
  let lastTurn: Promise<unknown> = Promise.resolve();
  function takeTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = lastTurn.then(work);
    lastTurn = turn.catch(() => undefined);
    return turn;
  }

  async function inTransaction<Result>(work: (tx: Queries) => Promise<Result>): Promise<Result> {
    // IMMEDIATE: a transaction that reads first and writes later cannot be refused half-way.
    sqlite.exec('BEGIN IMMEDIATE');
    try {
      const result = await work(direct);
      sqlite.exec('COMMIT');
      return result;
    } catch (error) {
      if (sqlite.inTransaction) sqlite.exec('ROLLBACK');
      throw error;
    }
  }

  return {
    dialect: 'sqlite',
    all: (sql, params) => takeTurn(() => direct.all(sql, params)),
    one: (sql, params) => takeTurn(() => direct.one(sql, params)),
    run: (sql, params) => takeTurn(() => direct.run(sql, params)),
    transaction: (work) => takeTurn(() => inTransaction(work)),
    close: () => takeTurn(async () => void sqlite.close()),
  };
}
