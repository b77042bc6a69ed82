import type { Row, Value } from './value.ts';

/** A column as far as a mapping can be checked against it. */
export interface Column {
  name: string;
  /** What values it holds; `other` where the database does not say or it does not matter. */
  type: 'integer' | 'real' | 'text' | 'decimal' | 'boolean' | 'bytes' | 'other';
  /** As declared: PostgreSQL needs it for arrays of parameters, messages show it. */
  declared: string;
  nullable: boolean;
  /** Filled by the database when an insert leaves it out: a default, an identity, a computed column. */
  filledByDefault: boolean;
}

/** A table as it is in a database. */
export interface TableShape {
  columns: Map<string, Column>;
  /** The columns of each unique index without a condition, the primary key among them. */
  unique: string[][];
  /** The columns of the primary key, in its order; empty where there is none. */
  primaryKey: string[];
  /** Tables that this one refers to by a foreign key. */
  refersTo: string[];
  /** The columns of those foreign keys. */
  referring: Set<string>;
  /** The columns of unique indexes with a condition or an expression: values that may stand in each other's way. */
  guarded: string[][];
  /** SQLite: of each unique index its columns, and when a row of the table stands in the way of a trigger's NEW. */
  collisions: { columns: string[]; condition: string }[];
}

/** A value, or on PostgreSQL an array of them for `= ANY(?)`. */
export type Parameter = Value | readonly Value[];

export type Dialect = 'sqlite' | 'postgres';

/** What can be asked inside a transaction. `?` stands for a parameter in both dialects. */
export interface Session {
  /** Rows of a statement. */
  query(sql: string, parameters?: readonly Parameter[]): Promise<Row[]>;
  /** Runs a statement and says how many rows it changed. */
  run(sql: string, parameters?: readonly Parameter[]): Promise<number>;
}

/** A statement for many rows: SQLite runs it row by row, PostgreSQL once over arrays of columns. */
export interface ManyRows {
  /** With a `?` for every value of a row. */
  perRow: string;
  /** With a `?` for every column's array. */
  perSet: string;
}

/** What can be done inside a writing transaction. */
export interface Writer extends Session {
  /** How many rows were changed. */
  many(statement: ManyRows, rows: Row[]): Promise<number>;
  /**
   * Runs work that may fail without losing what came before it in the same transaction.
   * @throws what the work throws, after what it did is undone.
   */
  attempt<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Keeps the sequence that a key column takes new values from above every key of the rows, whose first value it is. On
   * SQLite it follows inserted keys by itself.
   */
  advanceSequence(table: string, column: string, rows: Row[]): Promise<void>;
  /**
   * A way for rows of another store into this one, as its session sees them, for the rest of the transaction.
   * @param witness a table of the source that is changed by whoever changes what is to be read.
   * @returns undefined where there is none between these two, or where it would show another moment than the session.
   */
  linkTo?(source: Session, witness: string): Promise<Link | undefined>;
}

/** A way for rows from one database into another that does not lead through this process, row by row. */
export interface Link {
  /** What a table of the source is called in a select. */
  named(table: string): string;
  /** Inserts what a select finds, which has no parameters, and says how many rows that was. */
  insert(table: string, columns: string[], select: string): Promise<number>;
}

/**
 * One database, legacy or a service's. Opened at the first use, and again after it was away. Failures:
 * `store_unavailable`, `store_busy` (try again soon), `row_rejected` (a row breaks a rule of the database),
 * `store_failed`.
 */
export interface Store {
  readonly dialect: Dialect;
  /** Where it is, for messages; without password. */
  readonly place: string;
  /** The table, or undefined while the table (or an SQLite file) does not exist. */
  shape(table: string): Promise<TableShape | undefined>;
  /** Everything that the work reads is of one moment. */
  snapshot<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * One transaction; SQLite takes the write lock first.
   * @param origin marks what is written as a feed's own, so that no trigger logs it.
   */
  transaction<T>(work: (writer: Writer) => Promise<T>, options?: { origin?: string }): Promise<T>;
  /**
   * Resolves when another connection may have committed something, at the latest after the given milliseconds,
   * or when the signal is aborted.
   */
  changed(within: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
