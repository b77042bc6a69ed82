/**
 * A database value as both dialects give it: whole numbers of any size as bigint, booleans as 0n or 1n,
 * times, dates and exact decimals as the text the database shows, blobs as bytes.
 */
export type Value = bigint | number | string | Uint8Array | null;

/** Values in the order of the columns that were asked for. */
export type Row = Value[];

/** A column as far as a mapping can be checked against it. */
export interface Column {
  name: string;
  /** What values it holds; `other` where the database does not say or it does not matter. */
  type: 'integer' | 'real' | 'text' | 'other';
  nullable: boolean;
  /** Filled by the database when an insert leaves it out: a default, an identity, a computed column. */
  filledByDefault: boolean;
  /** No two rows have the same value, enforced by an index over this column alone. */
  unique: boolean;
}

/** The columns of a table, by name. */
export type TableShape = Map<string, Column>;

/** The rows of a table in key order from a key on. */
export interface RowRange {
  table: string;
  key: string;
  columns: string[];
  /** Only rows in which this column is NULL. */
  absentWhenSet?: string | undefined;
  /** First key, inclusive. */
  from: bigint;
  /** At most so many rows. */
  limit: number;
}

/** A table of the service's store, and which of its columns follow which rule. */
export interface TargetTable {
  table: string;
  key: string;
  owned: string[];
  reference: string[];
  writtenBy: string;
}

/** What one short transaction of the target shall do. */
export interface Chunk {
  /** Rows to insert or update: key, owned columns, reference columns. No key twice. */
  rows: Row[];
  /** Keys of rows to remove. */
  removals: bigint[];
  /** Keep the key's sequence at or above this key. */
  sequenceAtLeast?: bigint | undefined;
}

/** Rows that a chunk changed in fact; a row that the service got hold of in between is not counted. */
export interface Applied {
  written: number;
  removed: number;
}

/**
 * One database, legacy or a service's. Every call is short and bounded, and opens the database if need be, so
 * that a database that was away is found again. Failures: `store_unavailable`, `store_busy` (try again soon),
 * `row_rejected` (a row breaks a rule of the target), `store_failed`.
 */
export interface Store {
  /** Where it is, for messages; without password. */
  readonly place: string;
  /** The table's columns, or undefined while the table (or an SQLite file) does not exist. */
  shape(table: string): Promise<TableShape | undefined>;
  /**
   * Changes whenever a transaction of another connection became visible, so that equal tokens mean equal data.
   * May change without need.
   */
  changeToken(): Promise<string>;
  read(range: RowRange): Promise<Row[]>;
  /** How many rows the range holds (up to its limit) and the last one's key. */
  count(range: RowRange): Promise<{ rows: number; last: bigint | undefined }>;
  /**
   * One transaction. Owned columns and removals pass over rows that the service has written; the statement
   * itself sees to it, so a write of the service is safe at any moment. Reference columns are always set.
   */
  apply(target: TargetTable, chunk: Chunk): Promise<Applied>;
  close(): Promise<void>;
}
