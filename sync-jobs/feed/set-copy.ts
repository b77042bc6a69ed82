import { Failure } from '@strangler-fig/kernel/failure';
import type { Applied } from '../apply/writes.ts';
import type { ChangeSource } from '../changes/change.ts';
import { bySync } from '../mapping/group.ts';
import type { TableInSql } from '../mapping/in-sql/in-sql.ts';
import type { Skips } from '../poison/poison.ts';
import { literal, quoted } from '../stores/sql.ts';
import type { Dialect, Link, Session, Writer } from '../stores/store.ts';
import { compareKeys, type Row, type Value } from '../stores/value.ts';
import { copiedUpTo, mustWait } from './copy.ts';
import type { LiveTable } from './plans.ts';
import { type Range, readRange, within } from './range.ts';
import type { BackfillState } from './state.ts';

/** Where a copy by statements got to. */
export interface SetCopied {
  backfill: BackfillState;
  /** Rows of the source that it went over. */
  rows: number;
  /** How long the statement took, which reads and writes, in milliseconds. */
  writing: number;
}

/**
 * Steps grow while they are shorter, and shrink where they are longer, in milliseconds. A reader of an untuned SQLite file
 * keeps its writers from committing; one of PostgreSQL disturbs nobody.
 */
const aimed = { sqlite: { short: 50, long: 150 }, postgres: { short: 150, long: 500 } };

/**
 * The first copy by one statement for many rows, where the mapping can be said in SQL and nothing is out of the ordinary:
 * no row of the target is in the range, no row is to be left to its changes, every row fulfils what the statement rests
 * on. All else is left to `Copying`, which takes rows one by one and knows what to do about each.
 */
export class SetCopying {
  readonly #dialect: Dialect;
  readonly #changes: ChangeSource;
  readonly #between: { from: number; to: number };
  #rows: number;
  /** Tables whose statement the database does not understand. */
  readonly #notSaid = new Set<string>();

  /** @param between fewest and most rows of a step. */
  constructor(dialect: Dialect, changes: ChangeSource, between: { from: number; to: number }) {
    this.#dialect = dialect;
    this.#changes = changes;
    this.#between = between;
    this.#rows = between.from;
  }

  /** Copies the next rows; undefined, with nothing written, where they have to be taken one by one. */
  async next(
    session: Session,
    writer: Writer,
    link: Link,
    { backfill, to }: { backfill: BackfillState; to: string },
    tables: LiveTable[],
    skips: Skips,
  ): Promise<SetCopied | undefined> {
    const applied = tables[backfill.table];
    const sql = applied?.sql;
    if (applied === undefined || sql === undefined || mustWait(backfill, to)) return undefined;
    const { source } = applied.plan;
    if (skips.has(source.table) || this.#notSaid.has(source.table)) return undefined;
    const range = await this.#range(session, applied, backfill.after);
    if (range === undefined || (await this.#isOutOfTheOrdinary(session, writer, applied, range, to))) {
      return this.#smaller();
    }
    const { rows, present } = await this.#count(session, applied, sql, range);
    const started = performance.now();
    const insert = () => this.#insert(link, applied, sql, range);
    if (!(await this.#attempted(writer, source.table, insert, present))) return this.#smaller();
    await this.#advanceSequence(session, writer, applied, range);
    const writing = performance.now() - started;
    this.#sizeBy(writing);
    const awaits = backfill.after === undefined ? undefined : backfill.awaits;
    return { backfill: copiedUpTo(backfill, range.upTo, rows, tables.length, awaits), rows, writing };
  }

  #sizeBy(took: number): void {
    const { from, to } = this.#between;
    const { short, long } = aimed[this.#dialect];
    if (took < short) this.#rows = Math.min(this.#rows * 4, to);
    else if (took > long) this.#rows = Math.max(Math.ceil(this.#rows / 2), from);
  }

  #smaller(): undefined {
    this.#rows = this.#between.from;
  }

  /** The next rows of the source; undefined where their keys cannot be written into a statement. */
  async #range(
    session: Session,
    { plan: { source } }: Applied,
    after: Row | undefined,
  ): Promise<Range | undefined> {
    const keys = { ...source, columns: source.key };
    const [upTo] = await readRange(session, this.#dialect, keys, {
      after,
      limit: 1,
      offset: this.#rows - 1,
    });
    return [after, upTo].every((key) => key === undefined || key.every(canBeSaid))
      ? { after, upTo }
      : undefined;
  }

  async #isOutOfTheOrdinary(
    session: Session,
    writer: Writer,
    { plan: { source, target } }: Applied,
    range: Range,
    to: string,
  ): Promise<boolean> {
    const late = await this.#changes.beyond(session, to, source);
    if (late.some((key) => isWithin(key, range))) return true;
    const there = { ...target, columns: target.key };
    return (await readRange(writer, this.#dialect, there, { ...range, limit: 1 })).length > 0;
  }

  async #count(
    session: Session,
    applied: Applied,
    { present }: TableInSql,
    range: Range,
  ): Promise<{ rows: number; present: number }> {
    if (present === undefined && range.upTo !== undefined) return { rows: this.#rows, present: this.#rows };
    const { table } = applied.plan.source;
    const [row] = await session.query(
      `SELECT count(*), count(*) FILTER (WHERE ${present ?? '1 = 1'}) FROM ${quoted(table)} ` +
        `WHERE ${this.#within(applied, range)}`,
    );
    return { rows: Number(row?.[0]), present: Number(row?.[1]) };
  }

  #insert(link: Link, applied: Applied, sql: TableInSql, range: Range): Promise<number> {
    const { source, target } = applied.plan;
    const { columns, values } = filled(applied, sql);
    const conditions = [
      this.#within(applied, range),
      ...(sql.present === undefined ? [] : [sql.present]),
      ...sql.holds.map((condition) => `(${condition})`),
    ];
    return link.insert(
      target.table,
      columns,
      `SELECT ${values.join(', ')} FROM ${link.named(source.table)} WHERE ${conditions.join(' AND ')}`,
    );
  }

  /** Inserts so many rows, or none. */
  async #attempted(
    writer: Writer,
    table: string,
    insert: () => Promise<number>,
    rows: number,
  ): Promise<boolean> {
    try {
      await writer.attempt(async () => {
        if ((await insert()) !== rows)
          throw new Failure('row_rejected', 'Some rows are to be taken one by one.');
      });
      return true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.code === 'store_failed') this.#notSaid.add(table);
      else if (error.code !== 'row_rejected') throw error;
      return false;
    }
  }

  async #advanceSequence(
    session: Session,
    writer: Writer,
    { plan: { source, target } }: Applied,
    { after, upTo }: Range,
  ): Promise<void> {
    if (!target.advanceSequence) return;
    const keys = { ...source, columns: source.key };
    const last = upTo ?? (await readRange(session, this.#dialect, keys, { after })).at(-1);
    if (last !== undefined) await writer.advanceSequence(target.table, target.key[0]!, [last]);
  }

  #within({ plan: { source } }: Applied, range: Range): string {
    return within(source, this.#dialect, range, said);
  }
}

/** What of the target's rows is filled, and with what. */
function filled({ plan: { target } }: Applied, sql: TableInSql): { columns: string[]; values: string[] } {
  const { columns, writtenBy } = target;
  return writtenBy === undefined
    ? { columns, values: sql.values }
    : { columns: [...columns, writtenBy], values: [...sql.values, literal(bySync)] };
}

function isWithin(key: Row, { after, upTo }: Range): boolean {
  return (
    (after === undefined || compareKeys(key, after) > 0) &&
    (upTo === undefined || compareKeys(key, upTo) <= 0)
  );
}

function canBeSaid(value: Value): boolean {
  return typeof value === 'bigint' || (typeof value === 'string' && !value.includes('\0'));
}

function said(value: Value): string {
  return typeof value === 'string' ? literal(value) : String(value);
}
