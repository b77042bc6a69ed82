import { mkdirSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely';
import pg from 'pg';
import { postgresSession, type Session, sqliteSession } from './session.ts';

/** A service's own database. Nobody else reads or writes it, but the job that copies rows into it. */
export interface Store<Schema> {
  readonly dialect: 'sqlite' | 'postgres';
  /**
   * Typed queries, for reads and for rare writes. On SQLite a connection apart from the group commit's, so it
   * never sees what is not committed yet. Writes of requests go through the group commit.
   */
  readonly db: Kysely<Schema>;
  /** A connection for one batch of the group commit. */
  session(): Promise<Session>;
  /** Fails when the store does not answer. */
  ping(): Promise<void>;
  /** Closes every connection. Close the group commit first. */
  close(): Promise<void>;
}

/** The URL names no database that a service can open. */
export class UnknownStoreError extends Error {
  readonly code = 'store_url_unknown';
  readonly hint = 'Use sqlite:<path> or postgres://….';

  constructor() {
    super('The database URL is neither sqlite:<path> nor postgres://….');
    this.name = 'UnknownStoreError';
  }
}

/**
 * Opens a store. `sqlite:<path>` creates the folder and file when missing and runs with WAL, synchronous FULL
 * (a commit that was answered survives a power cut), busy_timeout 5000 ms and foreign keys on;
 * `postgres://…` is a pool of at most 10 connections whose statements may take 10 s, with bigint as number.
 */
export function openStore<Schema>(url: string): Store<Schema> {
  if (url.startsWith('sqlite:')) return openSqlite(path.resolve(url.slice('sqlite:'.length)));
  if (/^postgres(ql)?:/.test(url)) return openPostgres(url);
  throw new UnknownStoreError();
}

function openSqlite<Schema>(file: string): Store<Schema> {
  mkdirSync(path.dirname(file), { recursive: true });
  const reading = connect(file);
  const writing = connect(file);
  const session = sqliteSession(writing);
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: reading }) });
  return {
    dialect: 'sqlite',
    db,
    session: async () => session,
    ping: async () => {
      reading.prepare('SELECT count(*) FROM sqlite_schema').get();
    },
    close: async () => {
      await db.destroy();
      writing.close();
    },
  };
}

function connect(file: string): Database.Database {
  const database = new Database(file, { timeout: 5000 });
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  return database;
}

const bigint = 20;

function openPostgres<Schema>(url: string): Store<Schema> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 3000,
    statement_timeout: 10_000,
    idle_in_transaction_session_timeout: 15_000,
    types: {
      // Counts, cents and epoch milliseconds all stay far below 2^53.
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === bigint ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  // A connection that breaks, idle or in use, also emits 'error', which would end the process if nobody listened.
  // Its queries fail by themselves, the next use gets a new one, and /readyz sees a server that stays away.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', () => {});
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return {
    dialect: 'postgres',
    db,
    session: async () => postgresSession(await pool.connect()),
    ping: async () => {
      await sql`SELECT 1`.execute(db);
    },
    close: () => db.destroy(),
  };
}
