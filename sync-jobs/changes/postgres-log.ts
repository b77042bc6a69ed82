import { logTable } from '../capture/layout.ts';
import { unlogged } from '../capture/postgres-triggers.ts';
import type { SourceTable } from '../mapping/plan.ts';
import { fromText } from '../stores/postgres-types.ts';
import type { Session } from '../stores/store.ts';
import { keyText, type Row } from '../stores/value.ts';
import type { Change, ChangeSource, Lag, LogRange, Page } from './change.ts';
import { unloggedChange } from './missing-capture.ts';
import { generationOf, type Reader, readersOf } from './readers.ts';

/**
 * Everything from a position on. The upper bound says nothing new, but with one bound alone the planner takes a third of
 * the log to lie behind it, as long as nobody has analyzed it, and reads all of it.
 */
const sinceThen = 'xid >= ?::text::xid8 AND xid < pg_snapshot_xmax(pg_current_snapshot())';

/**
 * The log that PostgreSQL's triggers write. Ids are given out before a commit, so a reader that remembers the last id
 * would skip what commits late. A position is a transaction id h: every transaction before h is over, and what it
 * logged is in the past for good. A window from one position to the next is read by id, because a transaction with the
 * lower number may have changed a row after one with the higher had committed; the row's lock orders their ids.
 */
export class PostgresLog implements ChangeSource {
  readonly stride = 1_000n;

  async end(session: Session): Promise<string> {
    const [row] = await session.query('SELECT pg_snapshot_xmin(pg_current_snapshot())::text');
    return String(row?.[0]);
  }

  async shown(session: Session): Promise<string> {
    const [row] = await session.query('SELECT pg_snapshot_xmax(pg_current_snapshot())::text');
    return String(row?.[0]);
  }

  /** A restored database counts its transactions anew; a position from before lies in its future. */
  async holds(session: Session, position: string): Promise<boolean> {
    const [row] = await session.query(
      `SELECT (?::text::xid8 <= pg_snapshot_xmax(pg_current_snapshot())
         AND NOT EXISTS (SELECT FROM strangler_pruned WHERE position::xid8 > ?::text::xid8))::int`,
      [position, position],
    );
    return row?.[0] === 1n;
  }

  async page(
    session: Session,
    { from, to, afterId }: LogRange,
    tables: SourceTable[],
    limit: number,
  ): Promise<Page> {
    if (from === to) return { changes: [], next: undefined };
    const readers = await readersOf(session, tables);
    const rows = await session.query(
      `SELECT id, tbl, op, old_key, image FROM ${logTable} WHERE xid >= ?::text::xid8 AND xid < ?::text::xid8
       AND id > ? AND tbl = ANY(?) ORDER BY id LIMIT ?`,
      [from, to, afterId, [...readers.keys()], BigInt(limit)],
    );
    return {
      changes: rows.map((row) => changeOf(row, readers.get(String(row[1]))!)),
      next: rows.length < limit ? undefined : (rows.at(-1)![0] as bigint),
    };
  }

  async beyond(session: Session, position: string, table: SourceTable): Promise<Row[]> {
    const readers = await readersOf(session, [table]);
    const rows = await session.query(
      `SELECT id, tbl, op, old_key, image FROM ${logTable} WHERE ${sinceThen} AND tbl = ?`,
      [position, table.table],
    );
    return rows.flatMap((row) => {
      const { oldKey, row: image } = changeOf(row, readers.get(table.table)!);
      return [oldKey, image?.slice(0, table.key.length)].filter((key) => key !== undefined);
    });
  }

  async lag(session: Session, position: string, tables: string[]): Promise<Lag> {
    const [row] = await session.query(
      `SELECT count(*), greatest(0, extract(epoch FROM clock_timestamp() - min(at)))::float8 FROM ${logTable}
       WHERE ${sinceThen} AND tbl = ANY(?)`,
      [position, tables],
    );
    return { rows: Number(row?.[0] ?? 0), seconds: Number(row?.[1] ?? 0) };
  }

  /** Transactions of other databases count as well: the server numbers them all alike. */
  async heldBackBy(session: Session): Promise<string[]> {
    const rows = await session.query(
      `SELECT pid, coalesce(nullif(application_name, ''), 'without a name'), usename, datname, state,
         round(extract(epoch FROM clock_timestamp() - xact_start))::bigint, left(regexp_replace(query, '\\s+', ' ', 'g'), 80)
       FROM pg_stat_activity
       WHERE backend_xid IS NOT NULL AND clock_timestamp() - xact_start > interval '2 s'
       ORDER BY xact_start LIMIT 5`,
    );
    return rows.map(
      ([pid, name, user, database, state, seconds, query]) =>
        `process ${pid} (${name}, user ${user}, database ${database}) has had a transaction open for ${seconds} s; it is ${state}: ${query}`,
    );
  }

  generation(session: Session, tables: string[]): Promise<string> {
    return generationOf(session, tables);
  }
}

function changeOf(row: Row, { source, at }: Reader): Change {
  const [id, , op, oldKey, image] = row as [bigint, string, string, string | null, string | null];
  if (op === unlogged) throw unloggedChange(source.table);
  const base = { table: source.table, id, truncated: op === 'T' };
  const old =
    oldKey === null
      ? undefined
      : (JSON.parse(oldKey) as (string | null)[]).map((text, index) => fromText(text, source.types[index]!));
  if (image === null) return { ...base, oldKey: old, row: undefined };
  const texts = JSON.parse(image) as (string | null)[];
  const now = at.map((position, index) => fromText(texts[position] ?? null, source.types[index]!));
  const moved = old !== undefined && keyText(old) !== keyText(now.slice(0, source.key.length));
  return { ...base, oldKey: moved ? old : undefined, row: now };
}
