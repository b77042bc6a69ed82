import type { SourceTable } from '../mapping/plan.ts';
import { marks, quoted } from '../stores/sql.ts';
import type { Column, Dialect, Session } from '../stores/store.ts';
import type { Row } from '../stores/value.ts';

/** What of a table can be read in the order of its key. */
export type Readable = Pick<SourceTable, 'table' | 'key' | 'columns' | 'types'>;

/** A key column in the order that both databases and `compareKeys` agree on: text by its bytes. */
function ordered(column: string, type: Column['type'], dialect: Dialect): string {
  if (type !== 'text') return quoted(column);
  return `${quoted(column)} COLLATE ${dialect === 'postgres' ? '"C"' : 'BINARY'}`;
}

/** Rows in the order of the key, after a key, and up to another one or a number of rows. */
export function readRange(
  session: Session,
  dialect: Dialect,
  { table, key, columns, types }: Readable,
  range: { after: Row | undefined; upTo?: Row | undefined; limit?: number },
): Promise<Row[]> {
  const names = key.map((column, index) => ordered(column, types[index]!, dialect));
  const tuple = (list: string) => (key.length === 1 ? list : `(${list})`);
  const bound = (sign: string) => `${tuple(names.join(', '))} ${sign} ${tuple(marks(key.length))}`;
  const conditions: string[] = [];
  const parameters: Row = [];
  if (range.after !== undefined) {
    conditions.push(bound('>'));
    parameters.push(...range.after);
  }
  if (range.upTo !== undefined) {
    conditions.push(bound('<='));
    parameters.push(...range.upTo);
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const limit = range.limit === undefined ? '' : ` LIMIT ${range.limit}`;
  return session.query(
    `SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(table)}${where} ORDER BY ${names.join(', ')}${limit}`,
    parameters,
  );
}

/** The rows that have one of the keys. */
export async function readKeys(
  session: Session,
  { table, key, columns }: Readable,
  keys: Row[],
): Promise<Row[]> {
  const one = `(${key.map((column) => `${quoted(column)} = ?`).join(' AND ')})`;
  const rows: Row[] = [];
  for (let from = 0; from < keys.length; from += 100) {
    const part = keys.slice(from, from + 100);
    const sql =
      `SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(table)} ` +
      `WHERE ${part.map(() => one).join(' OR ')}`;
    rows.push(...(await session.query(sql, part.flat())));
  }
  return rows;
}
