import type { SourceTable } from '../mapping/plan.ts';
import type { Session } from '../stores/store.ts';
import type { Row } from '../stores/value.ts';

/** A row as it is after a change, or gone. */
export interface Change {
  table: string;
  /** The key that the row had before, where that was another one or the row is gone. */
  oldKey: Row | undefined;
  /** The row's image in the order of its table's columns, key first; undefined where it is gone. */
  row: Row | undefined;
  /** Everything that the table held before is gone. */
  truncated: boolean;
  /** The change's own place in the log; grows along the changes of one row. */
  id: bigint;
}

/** How much a feed still has before it. */
export interface Lag {
  rows: number;
  /** Age of the oldest change that is not applied, in seconds; 0 where there is none. */
  seconds: number;
}

/** The changes between two positions, and of those the ones behind an id. */
export interface LogRange {
  from: string;
  to: string;
  /** -1 for all. */
  afterId: bigint;
}

/** Some of the changes of a window. */
export interface Page {
  changes: Change[];
  /** To read on after; undefined where this was all. */
  next: bigint | undefined;
  /** Entries of the log were read that turned out to be no change, and that would be counted as lag until they are passed. */
  passed?: boolean;
}

/**
 * Where a feed's changes come from. A position is a place between whole transactions of the source; all calls are asked within one snapshot, and what they say is of its moment.
 */
export interface ChangeSource {
  /** The last position up to which everything is there: no transaction that is still open can come before it. */
  end(session: Session): Promise<string>;
  /**
   * A position behind everything that the snapshot shows. The end may lie before it: what commits while an older
   * transaction is still open is shown at once, and read when that one is over.
   */
  shown(session: Session): Promise<string>;
  /** Whether a position can still be read from; one before what was pruned, or of another life of the database, cannot. */
  holds(session: Session, position: string): Promise<boolean>;
  /**
   * Changes of the tables between two positions, in an order in which the changes of one row, and of rows that refer
   * to each other, come as they were made. What lies between two positions never changes, so pages may be read in
   * different snapshots.
   */
  page(session: Session, range: LogRange, tables: SourceTable[], limit: number): Promise<Page>;
  /** Keys of a table's rows that the snapshot shows as they are after a position. */
  beyond(session: Session, position: string, table: SourceTable): Promise<Row[]>;
  lag(session: Session, position: string, tables: string[]): Promise<Lag>;
  /** What keeps the end from moving: long transactions of others, as a line each. */
  heldBackBy(session: Session): Promise<string[]>;
  /** The numbers under which the tables are captured; another text means that changes may have been missed. */
  generation(session: Session, tables: string[]): Promise<string>;
  /**
   * Up to where it is worth reading at once, where that may be less than all; `more` where it is. Read up to the end where
   * a source does not have this.
   */
  window?(session: Session): Promise<{ to: string; more: boolean }>;
  /** Makes everything that the snapshot shows part of what lies before the end, as far as that is not so by itself. */
  catchUp?(session: Session): Promise<void>;
  /** What lies before a position is not asked for again: the target has committed it. */
  release?(position: string): Promise<void>;
  /** How far positions move on before it is worth writing one down although nothing of ours changed. */
  readonly stride: bigint;
}

/** -1, 0 or 1. Positions of one source are whole numbers. */
export function comparePositions(left: string, right: string): number {
  const [a, b] = [BigInt(left), BigInt(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}
