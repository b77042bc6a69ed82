import Database from 'better-sqlite3';
import pg from 'pg';
import type { Dialect } from '../stores/store.ts';

export type Cell = string | number | bigint | Buffer | null;

/** One connection of a driver's own, as an application has it: nothing of what is under test is used. */
export interface Connection {
  readonly dialect: Dialect;
  /** Runs a statement, `?` for parameters, and says how many rows it changed. */
  run(sql: string, parameters?: readonly Cell[]): Promise<number>;
  /** Rows as text and null, blobs as their hexadecimal digits. */
  rows(sql: string, parameters?: readonly Cell[]): Promise<Record<string, string | null>[]>;
  /** Runs any number of statements. */
  script(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** What a database says where an application's transaction cannot be: a rule is broken, or somebody else was faster. */
export class Rejected extends Error {}

export function connect(url: string): Promise<Connection> {
  return url.startsWith('sqlite:') ? connectSqlite(url.slice('sqlite:'.length)) : connectPostgres(url);
}

async function connectSqlite(file: string): Promise<Connection> {
  const database = new Database(file, { timeout: 20_000 });
  database.defaultSafeIntegers(true);
  // Processes are killed here, not machines: waiting for the disk would only make for less load.
  database.pragma('synchronous = OFF');
  database.pragma('foreign_keys = ON');
  const asked = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      const code = error instanceof Database.SqliteError ? error.code : '';
      throw /^SQLITE_(CONSTRAINT|BUSY)/.test(code) ? new Rejected(String(error)) : error;
    }
  };
  return {
    dialect: 'sqlite',
    run: async (sql, parameters = []) => asked(() => database.prepare(sql).run(...parameters).changes),
    rows: async (sql, parameters = []) =>
      asked(() => (database.prepare(sql).all(...parameters) as Record<string, unknown>[]).map(asText)),
    script: async (sql) => asked(() => void database.exec(sql)),
    close: async () => void database.close(),
  };
}

async function connectPostgres(url: string): Promise<Connection> {
  const bytea = 17;
  const types = {
    getTypeParser: (type: number) => (text: string) => (type === bytea ? text.slice(2) : text),
  } as unknown as pg.CustomTypesConfig;
  const client = new pg.Client({ connectionString: url, types, application_name: 'torture' });
  client.on('error', () => {});
  await client.connect();
  const ask = async (sql: string, parameters: readonly Cell[]) => {
    let position = 0;
    try {
      return await client.query<Record<string, unknown>>(
        sql.replaceAll('?', () => `$${++position}`),
        parameters as Cell[],
      );
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
      throw /^(23...|40...|55P03|25P02)$/.test(code) ? new Rejected(String(error)) : error;
    }
  };
  return {
    dialect: 'postgres',
    run: async (sql, parameters = []) => (await ask(sql, parameters)).rowCount ?? 0,
    rows: async (sql, parameters = []) => (await ask(sql, parameters)).rows.map(asText),
    script: async (sql) => void (await client.query(sql)),
    close: () => client.end(),
  };
}

function asText(row: Record<string, unknown>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value === null) return [name, null];
      return [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value)];
    }),
  );
}
