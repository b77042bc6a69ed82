import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import { createDatabase } from '../../testing/postgres.ts';

export type Dialect = 'sqlite' | 'postgres';

/** A fresh database, asked with a driver of the test's own: never through what is under test. */
export interface TestDatabase {
  url: string;
  dialect: Dialect;
  /** Runs a statement, `?` for parameters. Rows hold text and null, and numbers as exact text. */
  query(sql: string, ...parameters: unknown[]): Promise<Record<string, string | null>[]>;
  /** Runs work between BEGIN (on SQLite with the write lock) and COMMIT, on a connection of its own. */
  transaction(work: (query: TestDatabase['query']) => Promise<void>): Promise<void>;
  /** Runs any number of statements. */
  script(sql: string): Promise<void>;
  drop(): Promise<void>;
}

export function freshDatabase(dialect: Dialect): Promise<TestDatabase> {
  return dialect === 'sqlite' ? freshSqlite() : freshPostgres();
}

async function freshSqlite(): Promise<TestDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sync-jobs-'));
  const file = path.join(folder, 'test.db');
  const database = new Database(file);
  database.defaultSafeIntegers(true);
  // The rows are the test's own; waiting for the disk at each insert would cost minutes.
  database.pragma('synchronous = OFF');
  const query: TestDatabase['query'] = async (sql, ...parameters) => {
    const statement = database.prepare<unknown[], Record<string, unknown>>(sql);
    if (statement.reader) return statement.all(...parameters).map(asText);
    statement.run(...parameters);
    return [];
  };
  return {
    url: `sqlite:${file}`,
    dialect: 'sqlite',
    query,
    async transaction(work) {
      database.exec('BEGIN IMMEDIATE');
      await work(query);
      database.exec('COMMIT');
    },
    async script(sql) {
      database.exec(sql);
    },
    async drop() {
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freshPostgres(): Promise<TestDatabase> {
  const database = await createDatabase();
  // Every type as the text that the server sends.
  const types = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;
  const pool = new pg.Pool({ connectionString: database.url, max: 4, types });
  // Dropping the database cuts off what is still closing.
  pool.on('error', () => {});
  const queryOn =
    (client: pg.Pool | pg.PoolClient): TestDatabase['query'] =>
    async (sql, ...parameters) => {
      let position = 0;
      const numbered = sql.replaceAll('?', () => `$${++position}`);
      const result = await client.query<Record<string, unknown>>(numbered, parameters);
      return result.rows.map(asText);
    };
  return {
    url: database.url,
    dialect: 'postgres',
    query: queryOn(pool),
    async transaction(work) {
      const client = await pool.connect();
      await client.query('BEGIN');
      await work(queryOn(client));
      await client.query('COMMIT');
      client.release();
    },
    async script(sql) {
      await pool.query(sql);
    },
    async drop() {
      await pool.end();
      await database.drop();
    },
  };
}

function asText(row: Record<string, unknown>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value === null ? null : String(value)]),
  );
}
