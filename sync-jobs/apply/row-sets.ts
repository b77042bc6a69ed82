import type { TargetTable } from '../mapping/plan.ts';
import { quoted } from '../stores/sql.ts';

/** Parameters as a table to read from, `rows`. */
export interface RowSet {
  from: string;
  /** The value at a place of the row. */
  value(index: number): string;
}

type Columns = Pick<TargetTable, 'columns' | 'declared' | 'types'>;

/**
 * PostgreSQL's way to many rows: an array for each of the first columns. What is no plain type comes as text and is cast
 * row by row, because an array of arrays is taken apart to its last element.
 */
export function rowsOf({ declared, types }: Columns, count: number): RowSet {
  const plain = (index: number) => types[index] !== 'other';
  const arrays = declared.slice(0, count).map((type, index) => `?::${plain(index) ? type : 'text'}[]`);
  return {
    from: `unnest(${arrays.join(', ')}) AS rows (${arrays.map((_, index) => `v${index}`).join(', ')})`,
    value: (index) => (plain(index) ? `rows.v${index}` : `rows.v${index}::${declared[index]}`),
  };
}

/** One row for SQLite, for statements that do not take its values in the order that the row has. */
export function oneRowOf({ columns }: Columns, count: number): RowSet {
  const values = columns.slice(0, count).map((_, index) => `? AS v${index}`);
  return { from: `(SELECT ${values.join(', ')}) AS rows`, value: (index) => `rows.v${index}` };
}

/** Where a row of the table is the one that a set's row means, whose key begins at a place. */
export function matching(
  { table, key }: Pick<TargetTable, 'table' | 'key'>,
  rows: RowSet,
  first = 0,
): string {
  const same = (column: string, index: number) =>
    `${quoted(table)}.${quoted(column)} = ${rows.value(first + index)}`;
  return key.map(same).join(' AND ');
}
