import type { SourceTable } from '../mapping/plan.ts';
import { quoted } from '../stores/sql.ts';
import type { Column, Dialect, Session } from '../stores/store.ts';
import type { Row, Value } from '../stores/value.ts';

/** What of a table can be read in the order of its key. */
export type Readable = Pick<SourceTable, 'table' | 'key' | 'columns' | 'types'>;

/** A key column in the order that both databases and `compareKeys` agree on: text by its bytes. */
function ordered(column: string, type: Column['type'], dialect: Dialect): string {
  if (type !== 'text') return quoted(column);
  return `${quoted(column)} COLLATE ${dialect === 'postgres' ? '"C"' : 'BINARY'}`;
}

/** After a key, exclusive, and up to another one, inclusive. */
export interface Range {
  after: Row | undefined;
  upTo?: Row | undefined;
}

/** The key's columns in the order that rows are copied in. */
export function orderOf({ key, types }: Pick<Readable, 'key' | 'types'>, dialect: Dialect): string {
  return key.map((column, index) => ordered(column, types[index]!, dialect)).join(', ');
}

/**
 * What a row of a range fulfils.
 * @param said says a value of a key in SQL.
 */
export function within(
  readable: Pick<Readable, 'key' | 'types'>,
  dialect: Dialect,
  { after, upTo }: Range,
  said: (value: Value) => string,
): string {
  const names = orderOf(readable, dialect);
  const tuple = (list: string) => (readable.key.length === 1 ? list : `(${list})`);
  const bound = (sign: string, key: Row) => `${tuple(names)} ${sign} ${tuple(key.map(said).join(', '))}`;
  const conditions = [
    ...(after === undefined ? [] : [bound('>', after)]),
    ...(upTo === undefined ? [] : [bound('<=', upTo)]),
  ];
  return conditions.length === 0 ? '1 = 1' : conditions.join(' AND ');
}

/** Rows in the order of the key, after a key, and up to another one or a number of rows. */
export function readRange(
  session: Session,
  dialect: Dialect,
  readable: Readable,
  range: Range & { limit?: number; offset?: number },
): Promise<Row[]> {
  const parameters: Row = [];
  const where = within(readable, dialect, range, (value) => {
    parameters.push(value);
    return '?';
  });
  const limit = range.limit === undefined ? '' : ` LIMIT ${range.limit} OFFSET ${range.offset ?? 0}`;
  return session.query(
    `SELECT ${readable.columns.map(quoted).join(', ')} FROM ${quoted(readable.table)} WHERE ${where} ` +
      `ORDER BY ${orderOf(readable, dialect)}${limit}`,
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
