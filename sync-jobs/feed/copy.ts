import { applyRows } from '../apply/apply.ts';
import type { Applied } from '../apply/writes.ts';
import { type ChangeSource, comparePositions } from '../changes/change.ts';
import type { TablePlan } from '../mapping/plan.ts';
import { PoisonRow, type Skips } from '../poison/poison.ts';
import type { Dialect, Session, Writer } from '../stores/store.ts';
import { keyText, type Row } from '../stores/value.ts';
import { readKeys, readRange } from './range.ts';
import { isSkipped, staleRows } from './selection.ts';
import { type BackfillState, backfillBegins, backfillDone, type FeedState } from './state.ts';

/** Rows of the first copy or of a repair. */
export interface Copy {
  /** Undefined where there is no table left. */
  applied: Applied | undefined;
  /** What is to be written. */
  rows: Row[];
  /** Every row that was read; a key of the range that is not among them is gone. */
  keys: Row[];
  /** Keys, as text, of rows that were changed or removed behind the window: their changes are still to come. */
  late: Set<string>;
  /** The keys that a repair asked for. */
  only?: Row[];
  /** The range, exclusive and inclusive. */
  after: Row | undefined;
  upTo: Row | undefined;
  next: BackfillState;
}

/** Reads and writes the rows of a first copy, and of repairs, as parts of a feed's steps. */
export class Copying {
  readonly #feed: string;
  readonly #source: Dialect;
  readonly #target: Dialect;
  readonly #changes: ChangeSource;
  readonly #skips: () => Skips;

  constructor(feed: string, source: Dialect, target: Dialect, changes: ChangeSource, skips: () => Skips) {
    this.#feed = feed;
    this.#source = source;
    this.#target = target;
    this.#changes = changes;
    this.#skips = skips;
  }

  /** The next rows of the first copy; undefined where there are none, or where they have to wait. */
  async next(
    session: Session,
    state: FeedState,
    tables: Applied[],
    limit: number,
    to: string,
  ): Promise<Copy | undefined> {
    const { backfill } = state;
    if (backfill.done) return undefined;
    const applied = tables[backfill.table];
    if (applied === undefined)
      return {
        applied: undefined,
        rows: [],
        keys: [],
        late: new Set(),
        after: undefined,
        upTo: undefined,
        next: backfillDone,
      };
    if (mustWait(backfill, to)) return undefined;
    const begins = backfill.after === undefined;
    const { source } = applied.plan;
    const read = await readRange(session, this.#source, source, { after: backfill.after, limit });
    const complete = read.length < limit;
    const upTo = complete ? undefined : read.at(-1)!.slice(0, source.key.length);
    const { rows, late } = await this.#settled(session, applied.plan, read, to);
    const horizon = rows.length < read.length ? await this.#changes.shown(session) : undefined;
    const awaits = horizon ?? (begins ? undefined : backfill.awaits);
    const next = copiedUpTo(backfill, upTo, read.length, tables.length, awaits);
    return { applied, rows, keys: read, late, after: backfill.after, upTo, next };
  }

  /** Rows that are to be copied anew, by their keys. */
  async chosen(
    session: Session,
    { table, keys }: { table: string; keys: Row[] },
    tables: Applied[],
    to: string,
    backfill: BackfillState,
  ): Promise<Copy | undefined> {
    const applied = tables.find(({ plan }) => plan.source.table === table);
    if (applied === undefined) return undefined;
    const read = await readKeys(session, applied.plan.source, keys);
    const { rows, late } = await this.#settled(session, applied.plan, read, to);
    return {
      applied,
      rows,
      keys: read,
      late,
      only: keys,
      after: undefined,
      upTo: undefined,
      next: backfill,
    };
  }

  /** Without the rows that the snapshot shows later than the window ends: their changes are still to come. */
  async #settled(
    session: Session,
    plan: TablePlan,
    rows: Row[],
    to: string,
  ): Promise<{ rows: Row[]; late: Set<string> }> {
    const beyond = await this.#changes.beyond(session, to, plan.source);
    const late = new Set(beyond.map(keyText));
    const width = plan.source.key.length;
    const settled = rows.filter((row) => {
      const key = row.slice(0, width);
      return !late.has(keyText(key)) && !isSkipped(this.#skips(), plan.source.table, key, -1n);
    });
    return { rows: settled, late };
  }

  /** Says whether it could remove every row that is gone. */
  async write(
    writer: Writer,
    { applied, rows, keys, late, only, after, upTo, next }: Copy,
    { backfill }: FeedState,
    tables: Applied[],
  ): Promise<boolean> {
    if (applied === undefined) return true;
    const { target, source } = applied.plan;
    const width = source.key.length;
    const here = new Set(keys.map((row) => keyText(row.slice(0, width))));
    const there =
      only === undefined
        ? await readRange(writer, this.#target, { ...target, columns: target.key }, { after, upTo })
        : only;
    const extra = there.filter((key) => {
      const text = keyText(key);
      return !here.has(text) && !late.has(text) && !isSkipped(this.#skips(), source.table, key, -1n);
    });
    const stale = staleRows(tables, next);
    const apply = (gone: Row[]) => applyRows(writer, this.#feed, applied, rows, gone, stale);
    if (extra.length === 0 || only !== undefined || backfill.again === 'now') {
      await apply(extra);
      return true;
    }
    try {
      await writer.attempt(() => apply(extra));
      return true;
    } catch (error) {
      if (!(error instanceof PoisonRow)) throw error;
      await apply([]);
      return false;
    }
  }
}

/** A table is not begun before the rows are there that it may refer to. */
export function mustWait({ after, awaits }: BackfillState, to: string): boolean {
  return after === undefined && awaits !== undefined && comparePositions(to, awaits) < 0;
}

/** Where the copy is after so many rows up to a key; undefined stands for the table's end. */
export function copiedUpTo(
  was: BackfillState,
  upTo: Row | undefined,
  read: number,
  tables: number,
  awaits: string | undefined,
): BackfillState {
  const rows = was.rows + read;
  const table = was.table + (upTo === undefined ? 1 : 0);
  if (table === tables) return { ...backfillDone, rows };
  return { done: false, table, after: upTo, rows, ...(awaits === undefined ? {} : { awaits }) };
}

/** Where the copy goes on, given whether it could remove every row that is gone. */
export function continued(next: BackfillState, { again }: BackfillState, complete: boolean): BackfillState {
  const state = complete ? again : 'after';
  if (state === undefined) return next;
  if (!next.done) return { ...next, again: state };
  return state === 'after' ? { ...backfillBegins, rows: next.rows, again: 'now' } : next;
}
