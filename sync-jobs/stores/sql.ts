import { byService, bySync } from '../mapping/group.ts';
import type { RowRange, TargetTable } from './store.ts';

// The SQL that SQLite and PostgreSQL read alike.

export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** Parameters: first key, limit. */
export function readSql(
  { table, key, columns, absentWhenSet }: Omit<RowRange, 'from' | 'limit'>,
  parameters: [string, string],
): string {
  const present = absentWhenSet === undefined ? '' : ` AND ${quoted(absentWhenSet)} IS NULL`;
  return `SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(table)}
    WHERE ${quoted(key)} >= ${parameters[0]}${present} ORDER BY ${quoted(key)} LIMIT ${parameters[1]}`;
}

/** Parameters: first key, limit. The inner limit keeps the statement short on a table of any size. */
export function countSql(range: RowRange, parameters: [string, string]): string {
  const keys = readSql({ ...range, columns: [range.key] }, parameters);
  return `SELECT count(*), max(${quoted(range.key)}) FROM (${keys}) AS keys`;
}

/** Every column that a chunk's rows fill, in the order of their values. */
export function targetColumns({ key, owned, reference }: TargetTable): string[] {
  return [key, ...owned, ...reference];
}

/**
 * Inserts rows, or brings them up to date. The guard reads `writtenBy` of the row as it is when the statement
 * has it locked, not as it was when the chunk was compared.
 * @param rows the dialect's way to give the rows: `VALUES (…)` or `SELECT … FROM unnest(…)`.
 */
export function upsertSql(target: TargetTable, rows: string, overriding = ''): string {
  const table = quoted(target.table);
  const mark = quoted(target.writtenBy);
  const keptByService = `${table}.${mark} = '${byService}'`;
  const own = (column: string, value: string) =>
    `${column} = CASE WHEN ${keptByService} THEN ${table}.${column} ELSE ${value} END`;
  const owned = target.owned.map(quoted);
  const reference = target.reference.map(quoted);
  const assignments = [
    ...owned.map((column) => own(column, `excluded.${column}`)),
    ...reference.map((column) => `${column} = excluded.${column}`),
    own(mark, `'${bySync}'`),
  ];
  const worthIt = [
    `NOT (${keptByService})`,
    ...reference.map((column) => `${table}.${column} IS DISTINCT FROM excluded.${column}`),
  ];
  return `INSERT INTO ${table} (${[...targetColumns(target).map(quoted), mark].join(', ')}) ${overriding}
    ${rows}
    ON CONFLICT (${quoted(target.key)}) DO UPDATE SET ${assignments.join(', ')}
    WHERE ${worthIt.join(' OR ')}`;
}

/** Removes rows unless the service has written them. */
export function removeSql(target: TargetTable, whichKeys: string): string {
  return `DELETE FROM ${quoted(target.table)}
    WHERE ${quoted(target.key)} ${whichKeys} AND ${quoted(target.writtenBy)} <> '${byService}'`;
}
