import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

/** What a `?` may stand for. Times are UTC text, 'YYYY-MM-DD HH:MM:SS'; flags are 0 or 1. */
export type Value = string | number | null;

/** The three ways to run a statement; `?` placeholders on both databases. */
export interface Queries {
  /** Every row. */
  all<Row>(sql: string, params?: readonly Value[]): Promise<Row[]>;
  /** The first row, undefined when there is none. */
  one<Row>(sql: string, params?: readonly Value[]): Promise<Row | undefined>;
  /** Runs a statement and answers how many rows it changed. */
  run(sql: string, params?: readonly Value[]): Promise<number>;
}

export interface Database extends Queries {
  readonly dialect: 'sqlite' | 'postgres';
  /**
   * Runs `work` in one transaction: committed when its promise resolves, rolled back when it rejects.
   * `work` must use the queries it is given; on SQLite, awaiting the outer database in there never ends.
   */
  transaction<Result>(work: (tx: Queries) => Promise<Result>): Promise<Result>;
  /** Waits for what is running, then closes. */
  close(): Promise<void>;
}

/** The database's address is not one this application understands. */
export class DatabaseUrlError extends Error {
  readonly code = 'database_url_invalid';
  readonly hint = 'Use sqlite:<path> or postgres://user:password@host:port/database.';
  override readonly name = 'DatabaseUrlError';

  constructor() {
    super('the database URL is neither sqlite:<path> nor postgres://…');
  }
}

/** Opens the database at `sqlite:<path>` or `postgres://…` and creates the tables that are missing. */
export async function openDatabase(url: string): Promise<Database> {
  if (/^sqlite:./.test(url)) return openSqlite(url.slice('sqlite:'.length));
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return openPostgres(url);
  throw new DatabaseUrlError();
}
