import type { Field } from './fields.ts';

/** The tables that move together because the same writes touch them. One file in `groups/` each. */
export interface GroupDeclaration {
  /** Lower case; also names the service's database variable: `inventory` reads INVENTORY_DATABASE_URL. */
  name: string;
  /** A table that refers to another comes after it. */
  tables: TableDeclaration[];
  /**
   * How the legacy side's changes are seen: by triggers, which is the default, or by decoding PostgreSQL's own log. The
   * service's side always has triggers.
   */
  capture?: 'triggers' | 'decoding';
}

/** A column under its name on either side. */
export interface KeyColumn {
  from: string;
  to: string;
}

/** How the rows of one legacy table and the rows of one table of the service are each other. */
export interface TableDeclaration {
  /** Table of the legacy database. */
  from: string;
  /** Table of the service's store. */
  to: string;
  /** The column or columns, whole numbers or text, unique on either side, that say which row is which. */
  key: KeyColumn | KeyColumn[];
  /** Columns that belong to the group's owner. */
  owned: Field[];
  /** Columns that stay the legacy side's, whoever owns the group, and follow it always. */
  reference?: Field[];
  /**
   * Where rows come and go. `either` (the default): at the owner. `legacy`: the legacy row holds more than this group
   * knows of, so that only the legacy side makes and removes it, and the service changes columns.
   */
  rowsFrom?: 'either' | 'legacy';
  /** A legacy row whose column of this name is not NULL has no row in the service: soft deletes. */
  absentWhenSet?: string;
  /**
   * Column of the service's table that says who wrote the row last: `sync` (us) or `service`. While the legacy side owns
   * the group, a row that the service has written keeps its owned columns.
   */
  writtenBy?: string;
  /** New keys come from the key column's sequence, on either side: keep it above every copied key. */
  advanceSequence?: boolean;
}

/** The service's own mark in the `writtenBy` column; a row that bears it keeps its owned columns. */
export const byService = 'service';

/** The mark of rows that were copied here. */
export const bySync = 'sync';

/** Which side may write a group's data. */
export type Owner = 'legacy' | 'service';

/** Which way a feed carries changes. */
export type Direction = 'forward' | 'back';

/** The name of a feed, as state, status and metrics have it. */
export function feedName(group: string, direction: Direction): string {
  return `${group}:${direction}`;
}

/** The key's columns. */
export function keyOf({ key }: TableDeclaration): KeyColumn[] {
  return Array.isArray(key) ? key : [key];
}

/** Gives the declaration back; exists so that a group's file is type-checked where it is written. */
export function defineGroup(declaration: GroupDeclaration): GroupDeclaration {
  return declaration;
}
