import type Database from 'better-sqlite3';
import type pg from 'pg';

/** What a column can hold in the services' stores. PostgreSQL's bigint is read as a number. */
export type SqlValue = string | number | null;

/**
 * Statements inside one transaction. SQL is written once for both databases: `?` marks a parameter (so no
 * literal question mark may appear), and the common subset of SQLite and PostgreSQL is used (RETURNING and
 * ON CONFLICT are in it).
 */
export interface Tx {
  /** The first row, or undefined. */
  first<Row>(sql: string, ...values: SqlValue[]): Promise<Row | undefined>;
  /** All rows. */
  all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]>;
  /** Runs a statement and answers how many rows it inserted, updated or deleted. */
  run(sql: string, ...values: SqlValue[]): Promise<number>;
}

/** One connection on which a transaction runs, with savepoints. Internal to the group commit. */
export interface Session {
  readonly tx: Tx;
  /** BEGIN (IMMEDIATE on SQLite, so that a later write cannot fail for want of the lock), COMMIT, SAVEPOINT … */
  execute(statement: 'begin' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'rollbackTo'): Promise<void>;
  /** Gives the connection back; a broken one is closed. */
  end(broken: boolean): void;
}

const common = {
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  savepoint: 'SAVEPOINT item',
  release: 'RELEASE SAVEPOINT item',
  rollbackTo: 'ROLLBACK TO SAVEPOINT item',
};

/**
 * A session on a better-sqlite3 connection that nothing else uses. The statements are synchronous, the
 * promises only give both databases one interface; statements are prepared once and kept.
 */
export function sqliteSession(database: Database.Database): Session {
  const prepared = new Map<string, Database.Statement<SqlValue[]>>();
  const prepare = (sql: string) => {
    const kept = prepared.get(sql);
    if (kept !== undefined) return kept;
    const statement = database.prepare<SqlValue[]>(sql);
    prepared.set(sql, statement);
    return statement;
  };
  const words = { ...common, begin: 'BEGIN IMMEDIATE' };
  return {
    tx: {
      first: async <Row>(sql: string, ...values: SqlValue[]) =>
        prepare(sql).get(...values) as Row | undefined,
      all: async <Row>(sql: string, ...values: SqlValue[]) => prepare(sql).all(...values) as Row[],
      run: async (sql, ...values) => prepare(sql).run(...values).changes,
    },
    execute: async (statement) => {
      prepare(words[statement]).run();
    },
    end: () => {},
  };
}

// Shared by all connections: a statement's name must mean the same text on each of them.
const statementNames = new Map<string, { name: string; text: string }>();

function named(sql: string): { name: string; text: string } {
  const kept = statementNames.get(sql);
  if (kept !== undefined) return kept;
  let position = 0;
  const text = sql.replaceAll('?', () => {
    position += 1;
    return `$${position}`;
  });
  const statement = { name: `s${statementNames.size}`, text };
  statementNames.set(sql, statement);
  return statement;
}

/** A session on one connection of a PostgreSQL pool. */
export function postgresSession(client: pg.PoolClient): Session {
  const query = (sql: string, values: SqlValue[]) => client.query({ ...named(sql), values });
  const words = { ...common, begin: 'BEGIN' };
  return {
    tx: {
      first: async <Row>(sql: string, ...values: SqlValue[]) =>
        (await query(sql, values)).rows[0] as Row | undefined,
      all: async <Row>(sql: string, ...values: SqlValue[]) => (await query(sql, values)).rows as Row[],
      run: async (sql, ...values) => (await query(sql, values)).rowCount ?? 0,
    },
    execute: async (statement) => {
      const { command } = await client.query(words[statement]);
      // A COMMIT of a transaction in which a statement had failed is answered ROLLBACK, without an error.
      if (statement === 'commit' && command !== 'COMMIT') throw new Error('the transaction was rolled back');
    },
    end: (broken) => client.release(broken),
  };
}
