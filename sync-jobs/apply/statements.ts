import { byService, bySync } from '../mapping/group.ts';
import type { TargetTable } from '../mapping/plan.ts';
import { literal, marks, quoted } from '../stores/sql.ts';
import type { Column, Dialect, ManyRows } from '../stores/store.ts';
import type { Row, Value } from '../stores/value.ts';
import { parkOf } from './parking.ts';
import { requireRepresentable } from './representable.ts';
import { matching, oneRowOf, type RowSet, rowsOf } from './row-sets.ts';

/** What a feed may set in rows that are there already. */
export type Extent = 'all' | 'reference';

/** What is done to rows of a target table, as statements of its database. */
export interface TargetStatements {
  /** @throws Failure `row_rejected` where the target would keep something else than what the row says. */
  check(row: Row): void;
  /** Rows as the mapping makes them. */
  upsert: ManyRows;
  /** Keys. Undefined where rows are never removed. */
  remove: ManyRows | undefined;
  /** New keys, each followed by the old one: rows take them, unless another row has one. Undefined where none may. */
  move: ManyRows | undefined;
  /** Per unique index: finds the key of the row that holds its values, and where a converted row has those. */
  holders: { sql: string; at: number[] }[];
  /** Numbered keys: takes unique values out of the way for the time of a transaction. Undefined where there are none. */
  park: ManyRows | undefined;
}

export function statementsFor(target: TargetTable, dialect: Dialect, extent: Extent): TargetStatements {
  return {
    check: (row) => requireRepresentable(target, dialect, row),
    upsert: target.updateOnly ? updateOf(target) : upsertOf(target, dialect, extent),
    remove: target.updateOnly ? undefined : removeOf(target, extent, dialect),
    move: target.updateOnly || extent === 'reference' ? undefined : moveOf(target),
    holders: target.unique.map((index) => ({
      sql:
        `SELECT ${target.key.map(quoted).join(', ')} FROM ${quoted(target.table)} ` +
        `WHERE ${index.map((column) => `${quoted(column)} = ?`).join(' AND ')}`,
      at: index.map((column) => target.columns.indexOf(column)),
    })),
    park: parkOf(target, dialect),
  };
}

/**
 * Inserts rows, or brings them up to date. Where the service marks its rows, the guard reads the mark of the row as it is
 * when the statement has it locked: the service may write at any moment.
 */
function upsertOf(target: TargetTable, dialect: Dialect, extent: Extent): ManyRows {
  const table = quoted(target.table);
  const fixed = [
    ...target.onInsert.map(({ column, value }) => [column, valueLiteral(value)]),
    ...(target.writtenBy === undefined ? [] : [[target.writtenBy, literal(bySync)]]),
  ] as [string, string][];
  const into = `INSERT INTO ${table} (${[...target.columns, ...fixed.map(([column]) => column)].map(quoted).join(', ')})`;
  const constants = fixed.map(([, value]) => `, ${value}`).join('');
  const update = conflictClause(target, extent);
  const rows = rowsOf(target, target.columns.length);
  return {
    perRow: `${into} VALUES (${marks(target.columns.length)}${constants}) ${update}`,
    perSet:
      // The key comes from the other side also where the column is GENERATED ALWAYS.
      `${into} ${dialect === 'postgres' ? 'OVERRIDING SYSTEM VALUE ' : ''}` +
      `SELECT ${target.columns.map((_, index) => rows.value(index)).join(', ')}${constants} FROM ${rows.from} ${update}`,
  };
}

function conflictClause(target: TargetTable, extent: Extent): string {
  const table = quoted(target.table);
  const owned = target.columns.slice(target.key.length, target.referenceFrom).map(quoted);
  const reference = target.columns.slice(target.referenceFrom).map(quoted);
  const on = `ON CONFLICT (${target.key.map(quoted).join(', ')})`;
  const mark = target.writtenBy === undefined ? undefined : `${table}.${quoted(target.writtenBy)}`;
  const present = target.absentWhenSet === undefined ? [] : [`${quoted(target.absentWhenSet.column)} = NULL`];
  const follow = (column: string) => `${column} = excluded.${column}`;
  if (extent === 'reference') {
    return reference.length === 0
      ? `${on} DO NOTHING`
      : `${on} DO UPDATE SET ${reference.map(follow).join(', ')}`;
  }
  if (mark === undefined) {
    const all = [...owned, ...reference].map(follow).concat(present);
    return all.length === 0 ? `${on} DO NOTHING` : `${on} DO UPDATE SET ${all.join(', ')}`;
  }
  const kept = `${mark} = ${literal(byService)}`;
  const own = (column: string, value: string) =>
    `${column} = CASE WHEN ${kept} THEN ${table}.${column} ELSE ${value} END`;
  const assignments = [
    ...owned.map((column) => own(column, `excluded.${column}`)),
    ...reference.map(follow),
    own(quoted(target.writtenBy!), literal(bySync)),
  ];
  const worthIt = [
    `NOT (${kept})`,
    ...reference.map((column) => `${table}.${column} IS DISTINCT FROM excluded.${column}`),
  ];
  return `${on} DO UPDATE SET ${assignments.join(', ')} WHERE ${worthIt.join(' OR ')}`;
}

/** For rows that hold more than this group knows of: they are there, or the change cannot be applied. */
function updateOf(target: TargetTable): ManyRows {
  const width = target.key.length;
  const update = (rows: RowSet) => {
    const set = target.columns
      .slice(width)
      .map((column, index) => `${quoted(column)} = ${rows.value(width + index)}`);
    return `UPDATE ${quoted(target.table)} SET ${set.join(', ')} FROM ${rows.from} WHERE ${matching(target, rows)}`;
  };
  return {
    perRow: update(oneRowOf(target, target.columns.length)),
    perSet: update(rowsOf(target, target.columns.length)),
  };
}

function removeOf(target: TargetTable, extent: Extent, dialect: Dialect): ManyRows {
  const table = quoted(target.table);
  const mark = target.writtenBy;
  // A row that the service has written is the service's, and once it owns the group every row is.
  const guard =
    mark === undefined || extent === 'reference'
      ? ''
      : ` AND ${table}.${quoted(mark)} <> ${literal(byService)}`;
  const never = extent === 'reference' ? ' AND 1 = 0' : '';
  const absent = target.absentWhenSet;
  const set =
    absent === undefined
      ? undefined
      : `UPDATE ${table} SET ${quoted(absent.column)} = ${nowLiteral(absent.type, dialect)}`;
  const only = absent === undefined ? '' : ` AND ${table}.${quoted(absent.column)} IS NULL`;
  const rows = rowsOf(target, target.key.length);
  const matches = matching(target, rows);
  const where = target.key.map((column) => `${quoted(column)} = ?`).join(' AND ');
  return {
    perRow: `${set ?? `DELETE FROM ${table}`} WHERE ${where}${only}${guard}${never}`,
    perSet:
      set === undefined
        ? `DELETE FROM ${table} USING ${rows.from} WHERE ${matches}${guard}${never}`
        : `${set} FROM ${rows.from} WHERE ${matches}${only}${guard}${never}`,
  };
}

function moveOf(target: TargetTable): ManyRows {
  const width = target.key.length;
  const part = <T>(list: T[]) => [...list.slice(0, width), ...list.slice(0, width)];
  const keys = { columns: part(target.columns), types: part(target.types), declared: part(target.declared) };
  const table = quoted(target.table);
  const mark = target.writtenBy;
  const guard = mark === undefined ? '' : ` AND ${table}.${quoted(mark)} <> ${literal(byService)}`;
  const update = (rows: RowSet) => {
    const set = target.key.map((column, index) => `${quoted(column)} = ${rows.value(index)}`);
    const taken = target.key.map((column, index) => `other.${quoted(column)} = ${rows.value(index)}`);
    return (
      `UPDATE ${table} SET ${set.join(', ')} FROM ${rows.from} WHERE ${matching(target, rows, width)}${guard} ` +
      `AND NOT EXISTS (SELECT 1 FROM ${table} AS other WHERE ${taken.join(' AND ')})`
    );
  };
  return { perRow: update(oneRowOf(keys, 2 * width)), perSet: update(rowsOf(keys, 2 * width)) };
}

/** What a soft delete sets: the time as text in UTC, milliseconds since 1970 or 1, as the column's type takes it. */
function nowLiteral(type: Column['type'], dialect: Dialect): string {
  if (type === 'boolean') return dialect === 'postgres' ? 'true' : '1';
  if (type === 'integer') {
    return dialect === 'postgres'
      ? "(extract(epoch FROM date_trunc('second', now()))::bigint * 1000)"
      : "(CAST(strftime('%s', 'now') AS INTEGER) * 1000)";
  }
  return dialect === 'postgres'
    ? type === 'text'
      ? "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
      : "date_trunc('second', now() AT TIME ZONE 'UTC')"
    : "strftime('%Y-%m-%d %H:%M:%S', 'now')";
}

/** A value as both dialects read it in a statement. */
export function valueLiteral(value: Value): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return literal(value);
  if (value instanceof Uint8Array) throw new RangeError('a constant cannot be a blob');
  return String(value);
}
