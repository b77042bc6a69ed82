import type { Field } from './fields.ts';

/** The tables that move together because the same writes touch them. One file in `groups/` each. */
export interface GroupDeclaration {
  /** Lower case; also names the service's database variable: `inventory` reads INVENTORY_DATABASE_URL. */
  name: string;
  tables: TableDeclaration[];
}

/** How the rows of one legacy table become the rows of one table of the service. */
export interface TableDeclaration {
  /** Table of the legacy database. */
  from: string;
  /** Table of the service's store. */
  to: string;
  /** The integer column, unique on either side, that says which row is which. */
  key: { from: string; to: string };
  /** Column of the service's table that says who wrote the row last: `sync` (us) or `service`. */
  writtenBy: string;
  /** A legacy row whose column of this name is not NULL has no row in the service: soft deletes. */
  absentWhenSet?: string;
  /** Columns that follow the legacy row until the service has written the row itself. */
  owned: Field[];
  /** Columns that stay the legacy side's and follow it always. */
  reference?: Field[];
  /** The service hands out new keys from the key column's sequence: keep it above every copied key. */
  advanceSequence?: boolean;
}

/** The service's own mark in the `writtenBy` column; a row that bears it keeps its owned columns. */
export const byService = 'service';

/** The mark of rows that were copied here. */
export const bySync = 'sync';

/** Gives the declaration back; exists so that a group's file is type-checked where it is written. */
export function defineGroup(declaration: GroupDeclaration): GroupDeclaration {
  return declaration;
}
