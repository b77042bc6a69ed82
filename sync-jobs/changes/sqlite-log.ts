import { logTable } from '../capture/layout.ts';
import type { SourceTable } from '../mapping/plan.ts';
import { marks, quoted } from '../stores/sql.ts';
import type { Session } from '../stores/store.ts';
import { keyText, type Row } from '../stores/value.ts';
import type { Change, ChangeSource, Lag, LogRange, Page } from './change.ts';
import { generationOf, type Reader, readersOf } from './readers.ts';

/**
 * The log that SQLite's triggers write. One writer at a time, so the order of ids is the order of commits, and what a
 * snapshot shows of the log ends with a whole transaction. A position is the last id.
 */
export class SqliteLog implements ChangeSource {
  readonly stride = 1_000n;

  async end(session: Session): Promise<string> {
    // The sequence and not the last row: what was pruned was there.
    const [row] = await session.query('SELECT seq FROM sqlite_sequence WHERE name = ?', [logTable]);
    return String(row?.[0] ?? 0);
  }

  shown(session: Session): Promise<string> {
    return this.end(session);
  }

  async holds(session: Session, position: string): Promise<boolean> {
    if (BigInt(position) > BigInt(await this.end(session))) return false;
    const [row] = await session.query(`SELECT min(id) FROM ${logTable}`);
    const first = row?.[0];
    return typeof first === 'bigint'
      ? first <= BigInt(position) + 1n
      : position === (await this.end(session));
  }

  async page(
    session: Session,
    { from, to, afterId }: LogRange,
    tables: SourceTable[],
    limit: number,
  ): Promise<Page> {
    if (from === to) return { changes: [], next: undefined };
    const readers = await readersOf(session, tables);
    const all = [...readers.values()].map(({ installed }) => installed);
    const keys = Math.max(...all.map(({ key }) => key.length));
    const columns = [
      ...Array.from({ length: keys }, (_, index) => `k${index}`),
      ...Array.from({ length: Math.max(...all.map((one) => one.columns.length)) }, (_, index) => `c${index}`),
    ];
    const rows = await session.query(
      `SELECT id, tbl, op, ${columns.join(', ')} FROM ${logTable} ` +
        `WHERE id > ? AND id <= ? AND tbl IN (${marks(readers.size)}) ORDER BY id LIMIT ?`,
      [afterId > BigInt(from) ? afterId : BigInt(from), BigInt(to), ...readers.keys(), BigInt(limit)],
    );
    const changes: Change[] = [];
    for (const row of rows) changes.push(await changeOf(session, row, keys, readers.get(String(row[1]))!));
    const made = changes.filter(({ oldKey, row }) => oldKey !== undefined || row !== undefined);
    return {
      changes: made,
      passed: made.length < changes.length,
      next: rows.length < limit ? undefined : (rows.at(-1)![0] as bigint),
    };
  }

  /** A snapshot shows exactly what the log says up to its end. */
  async beyond(): Promise<Row[]> {
    return [];
  }

  async lag(session: Session, position: string, tables: string[]): Promise<Lag> {
    const [row] = await session.query(
      `SELECT count(*), max(0.0, (julianday('now') - min(at)) * 86400.0) FROM ${logTable}
       WHERE id > ? AND tbl IN (${marks(tables.length)})`,
      [BigInt(position), ...tables],
    );
    return { rows: Number(row?.[0] ?? 0), seconds: Number(row?.[1] ?? 0) };
  }

  /** A writer holds the only lock there is, and nothing that it wrote is in the log before it commits. */
  async heldBackBy(): Promise<string[]> {
    return [];
  }

  generation(session: Session, tables: string[]): Promise<string> {
    return generationOf(session, tables);
  }
}

async function changeOf(session: Session, row: Row, keys: number, reader: Reader): Promise<Change> {
  const { source, at } = reader;
  const [id, , op] = row as [bigint, string, string];
  const old = row.slice(3, 3 + source.key.length);
  const base = { table: source.table, id, truncated: false };
  if (op === 'D') return { ...base, oldKey: old, row: undefined };
  if (op === 'X') return touched(session, reader, old, id);
  const image = at.map((index) => row[3 + keys + index]!);
  // Another trigger of the same statement has taken the row away again, and its own change is logged.
  if (op === 'U' && image.slice(0, source.key.length).some((part) => part === null))
    return { ...base, oldKey: old, row: undefined };
  const moved = op === 'U' && keyText(old) !== keyText(image.slice(0, source.key.length));
  return { ...base, oldKey: moved ? old : undefined, row: image };
}

/**
 * A row that stood in the way of another one: gone if the statement said OR REPLACE, untouched if it failed or ignored.
 * What the log says of the key next tells which: a row can only be inserted, or moved to the key, where there is none,
 * and only be changed, removed or stand in the way again while it is there. The table is asked where the log says no
 * more of it. A look at the table alone would miss a row that came back, with the rest of the log still to be applied.
 */
async function touched(
  session: Session,
  { source, installed }: Reader,
  key: Row,
  id: bigint,
): Promise<Change> {
  const columns = source.key.map((column) => `c${installed.columns.indexOf(column)}`);
  const is = (names: string[]) => `(${names.map((name) => `${name} = ?`).join(' AND ')})`;
  const old = is(source.key.map((_, index) => `k${index}`));
  const [next] = await session.query(
    `SELECT ${old} FROM ${logTable} WHERE id > ? AND tbl = ? AND (${old} OR ${is(columns)}) ORDER BY id LIMIT 1`,
    [...key, id, source.table, ...key, ...key],
  );
  const gone = next === undefined ? !(await isThere(session, source, key)) : next[0] !== 1n;
  return { table: source.table, id, truncated: false, oldKey: gone ? key : undefined, row: undefined };
}

async function isThere(session: Session, source: SourceTable, key: Row): Promise<boolean> {
  // By the index first, then by its bytes: a key that differs in case is another one.
  const where = source.key.map((column) => `${quoted(column)} = ? AND ${quoted(column)} COLLATE BINARY = ?`);
  const found = await session.query(
    `SELECT 1 FROM ${quoted(source.table)} WHERE ${where.join(' AND ')}`,
    key.flatMap((value) => [value, value]),
  );
  return found.length > 0;
}
