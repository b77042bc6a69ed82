import { setImmediate } from 'node:timers/promises';
import { applyChanges } from '../apply/apply.ts';
import { type Applied, isRefusal } from '../apply/writes.ts';
import type { Change, ChangeSource, Lag } from '../changes/change.ts';
import { changesOf } from '../changes/open.ts';
import { type Direction, feedName, type GroupDeclaration, type Owner } from '../mapping/group.ts';
import type { SourceTable } from '../mapping/plan.ts';
import { loadSkips, PoisonRow, type Skips } from '../poison/poison.ts';
import type { Session, Store, Writer } from '../stores/store.ts';
import { keyText, type Row } from '../stores/value.ts';
import { Copying, continued } from './copy.ts';
import { type FeedPlans, planFeed } from './plans.ts';
import { readKeys } from './range.ts';
import { type Reader, type Reading, readChanges } from './reading.ts';
import { RowBudget } from './row-budget.ts';
import { staleRows, wantedOf } from './selection.ts';
import { SetCopying } from './set-copy.ts';
import { backfillBegins, type FeedState, loadState, saveState } from './state.ts';

/** SQLite's own table: every change that a trigger logs moves a sequence. */
const witness = 'sqlite_sequence';

/** What a feed works with. */
export interface FeedOptions {
  group: GroupDeclaration;
  direction: Direction;
  /** Where changes come from and go to; of this feed alone. */
  source: Store;
  target: Store;
  /** Rows of one step of the first copy. */
  chunkRows: number;
  /** Rows of one where a statement copies them; twenty times as many unless given. */
  statementRows?: number;
  /** Changes that are held at a time. */
  pageRows?: number;
}

/** What one step did. */
export interface Step {
  /** Nothing was left to do. */
  idle: boolean;
  /** Changes carried over. */
  changes: number;
  /** Rows of the first copy, or of a repair, that were read. */
  copied: number;
  /** Changes by the side that does not own the group, seen and not carried over. */
  foreign: number;
  state: FeedState;
  /** Everything before it is applied; the state's own position follows when there is something to write. */
  reached: string;
  /** How long the source took to be read, in milliseconds. */
  sourceMilliseconds: number;
  lag: Lag;
}

/**
 * One direction of one group. Not to be stepped twice at a time.
 *
 * A step reads, within one snapshot of the source: the changes from the feed's position to the end of the log, and, while
 * the first copy runs, the next rows in the order of the key. It then writes both and the new state in one transaction
 * of the target. So the target holds, at every commit, exactly the rows that the source had at one moment, up to where
 * the copy is; a change of a row beyond that is left to the copy, which will read the row later. A crash between reading
 * and writing loses nothing, one after writing repeats nothing.
 */
export class Feed {
  readonly name: string;
  readonly source: Store;
  readonly target: Store;
  readonly #options: FeedOptions;
  readonly #changes: ChangeSource;
  readonly #copying: Copying;
  readonly #setCopying: SetCopying;
  #state: FeedState | undefined;
  readonly #chunk: RowBudget;
  readonly #page: RowBudget;
  #skips: Skips = new Map();
  #loaded = false;
  #plans: FeedPlans | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.name = feedName(options.group.name, options.direction);
    this.source = options.source;
    this.target = options.target;
    this.#changes = changesOf(options.source, options.group, options.direction);
    this.#chunk = new RowBudget(options.chunkRows);
    this.#page = new RowBudget(options.pageRows ?? 10_000);
    const { dialect: from } = options.source;
    const { dialect: to } = options.target;
    this.#copying = new Copying(this.name, from, to, this.#changes, () => this.#skips);
    this.#setCopying = new SetCopying(to, this.#changes, {
      from: options.chunkRows,
      to: options.statementRows ?? options.chunkRows * 20,
    });
  }

  /** Forgets what it knows of the databases: to be called after a failure, or when someone else changed its state. */
  forget(): void {
    this.#loaded = false;
    this.#plans = undefined;
  }

  /** The tables as this feed reads and writes them, for an owner. */
  async plans(owner: Owner): Promise<FeedPlans> {
    if (this.#plans?.owner !== owner) this.#plans = await planFeed(this.#options, owner);
    return this.#plans;
  }

  /**
   * Carries over what there is, or the next part of it.
   * @param repair rows that are to be copied anew, beside the changes, by their keys.
   */
  async step(owner: Owner, repair?: { table: string; keys: Row[] }): Promise<Step> {
    const plans = await this.plans(owner);
    if (!this.#loaded) await this.#load();
    const bySet = repair === undefined ? await this.#stepBySet(plans) : undefined;
    const step = bySet ?? (await this.#stepByRow(plans, repair));
    this.#state = step.state;
    await this.#changes.release?.(step.state.position);
    return step;
  }

  /** Reads, then writes: the source is not kept waiting for the target. */
  async #stepByRow(plans: FeedPlans, repair?: { table: string; keys: Row[] }): Promise<Step> {
    const { source, target } = this.#options;
    const { tables } = plans;
    const was = this.#state;
    const started = performance.now();
    const read = await source.snapshot(async (session) => {
      const reading = await readChanges(session, this.#reader(plans), was);
      const { begin, to, more } = reading;
      const copy =
        repair !== undefined
          ? await this.#copying.chosen(session, repair, tables, to, begin.backfill)
          : // Rows that were changed since would be left out, and those are many when the log is long.
            more
            ? undefined
            : await this.#copying.next(session, begin, tables, this.#chunk.rows, to);
      this.#chunk.saw(copy?.keys ?? []);
      return { ...reading, copy };
    });
    const { begin, to, more, page, copy, lag } = read;
    const common = { reached: to, sourceMilliseconds: performance.now() - started, lag };
    const nothing = page.changes.length === 0 && page.next === undefined && copy === undefined && !more;
    if (was !== undefined && begin === was && nothing) {
      const state = await this.#advanced(was, to, page.passed === true);
      return { idle: true, changes: 0, copied: 0, foreign: 0, state, ...common };
    }
    return target.transaction(
      async (writer) => {
        const counted = await this.#carry(writer, read, plans);
        const complete = copy === undefined || (await this.#copying.write(writer, copy, begin, tables));
        const backfill = copy === undefined ? begin.backfill : continued(copy.next, begin.backfill, complete);
        const state = await this.#save(writer, was, { ...begin, position: to, backfill }, counted);
        return { idle: false, ...counted, copied: copy?.rows.length ?? 0, state, ...common };
      },
      { origin: this.name },
    );
  }

  /**
   * A step of the first copy by a statement over both databases: it reads while it writes. Undefined, with nothing done,
   * where this step has to go row by row.
   */
  async #stepBySet(plans: FeedPlans): Promise<Step | undefined> {
    const { source, target } = this.#options;
    const was = this.#state;
    const { done, table } = was?.backfill ?? backfillBegins;
    if (done || plans.tables[table]?.sql === undefined) return;
    const byRow = new Error('This step has to go row by row.');
    const inOne = async (writer: Writer, session: Session): Promise<Step> => {
      const started = performance.now();
      const link = await writer.linkTo?.(session, witness);
      if (link === undefined) throw byRow;
      const reading = await readChanges(session, this.#reader(plans), was);
      const { begin, to, more, page, lag } = reading;
      if (begin.backfill.done || more || page.next !== undefined) throw byRow;
      const counted = await this.#carry(writer, reading, plans);
      const place = { backfill: begin.backfill, to };
      const copied = await this.#setCopying.next(session, writer, link, place, plans.tables, this.#skips);
      if (copied === undefined) throw byRow;
      const backfill = continued(copied.backfill, begin.backfill, true);
      const sourceMilliseconds = performance.now() - started - copied.writing;
      const state = await this.#save(writer, was, { ...begin, position: to, backfill }, counted);
      return { idle: false, ...counted, copied: copied.rows, state, reached: to, sourceMilliseconds, lag };
    };
    try {
      return await target.transaction((writer) => source.snapshot((session) => inOne(writer, session)), {
        origin: this.name,
      });
    } catch (error) {
      if (error === byRow) return undefined;
      throw error;
    }
  }

  /**
   * Applies a reading's changes, page by page. What the target refuses of a page may be allowed with the next one, where
   * the source checks its rules at the end of a transaction only: those changes are held, and tried again when there are
   * four times as many, or no more.
   */
  async #carry(
    writer: Writer,
    { begin, to, page: first }: Reading,
    plans: FeedPlans,
  ): Promise<{ changes: number; foreign: number }> {
    const { tables, armed } = plans;
    const counted = { changes: 0, foreign: 0 };
    const isForeign = ({ table }: Change) => armed.some((plan) => plan.source.table === table);
    let held: Change[] = [];
    let worthTrying = 1;
    for (let page = first; ; ) {
      this.#page.saw(page.changes.flatMap(({ row }) => (row === undefined ? [] : [row])));
      const wanted = wantedOf(page.changes, begin.backfill, tables, armed, this.#skips);
      counted.foreign += page.changes.filter(isForeign).length;
      counted.changes += wanted.length;
      for (const change of wanted) held.push(change);
      const { next } = page;
      if (held.length >= worthTrying || (next === undefined && held.length > 0)) {
        const applied = await this.#applied(writer, tables, held, begin, next === undefined);
        worthTrying = applied ? 1 : 4 * held.length;
        if (applied) held = [];
      }
      if (next === undefined) return counted;
      // SQLite's calls block this process; what else it does has its turn between two pages.
      await setImmediate();
      const { sources, pageRows } = this.#reader(plans);
      const range = { from: begin.position, to, afterId: next };
      page = await this.source.snapshot((session) => this.#changes.page(session, range, sources, pageRows));
    }
  }

  async #save(
    writer: Writer,
    was: FeedState | undefined,
    is: FeedState,
    { changes, foreign }: { changes: number; foreign: number },
  ): Promise<FeedState> {
    const state = {
      ...is,
      applied: is.applied + changes,
      foreignChanges: is.foreignChanges + foreign,
    };
    await saveState(writer, this.name, was, state);
    return state;
  }

  #reader({ owner, sources }: FeedPlans): Reader {
    const { direction } = this.#options;
    return { changes: this.#changes, direction, owner, sources, pageRows: this.#page.rows };
  }

  /** How far behind the feed is, and who holds it back. */
  async lag(): Promise<Lag & { heldBackBy: string[] }> {
    const state = this.#state;
    if (state === undefined) return { rows: 0, seconds: 0, heldBackBy: [] };
    const names = this.#options.group.tables.map(({ from, to }) =>
      this.#options.direction === 'forward' ? from : to,
    );
    return this.source.snapshot(async (session) => ({
      ...(await this.#changes.lag(session, state.position, names)),
      heldBackBy: await this.#changes.heldBackBy(session),
    }));
  }

  /** Where the source's log ends now. */
  sourceEnd(): Promise<string> {
    return this.source.snapshot(async (session) => {
      await this.#changes.catchUp?.(session);
      return this.#changes.end(session);
    });
  }

  /** A position behind everything that is to be seen in the source now. */
  sourceShown(): Promise<string> {
    return this.source.snapshot((session) => this.#changes.shown(session));
  }

  /** Rows of the source by their keys, and a position behind everything that they show. */
  async readWithEnd(source: SourceTable, keys: Row[]): Promise<{ rows: Row[]; end: string }> {
    const rows = await this.source.snapshot((session) => readKeys(session, source, keys));
    return { rows, end: await this.sourceShown() };
  }

  /** The keys of a table's rows that changed since a position; undefined where the log does not reach back to it. */
  async changedSince(position: string, table: SourceTable): Promise<Row[] | undefined> {
    const width = table.key.length;
    const keys = new Map<string, Row>();
    const to = await this.sourceEnd();
    for (let afterId: bigint | undefined = -1n; afterId !== undefined; ) {
      const from: bigint = afterId;
      const page = await this.source.snapshot(async (session) =>
        (await this.#changes.holds(session, position))
          ? await this.#changes.page(session, { from: position, to, afterId: from }, [table], 10_000)
          : undefined,
      );
      if (page === undefined) return undefined;
      if (page.next === undefined) {
        const late = await this.source.snapshot((session) => this.#changes.beyond(session, to, table));
        for (const key of late) keys.set(keyText(key), key);
      }
      for (const { oldKey, row } of page.changes) {
        if (oldKey !== undefined) keys.set(keyText(oldKey), oldKey);
        if (row !== undefined) keys.set(keyText(row.slice(0, width)), row.slice(0, width));
      }
      afterId = page.next;
    }
    return [...keys.values()];
  }

  /** Learns how far the feed is where another process steps it. */
  async look(): Promise<void> {
    await this.#load();
    this.#loaded = false;
  }

  /** Copies everything anew, from the next step on. */
  async beginAnew(): Promise<void> {
    if (!this.#loaded) await this.#load();
    const was = this.#state;
    if (was === undefined) return;
    const state = { ...was, backfill: backfillBegins };
    await this.target.transaction((writer) => saveState(writer, this.name, was, state), {
      origin: this.name,
    });
    this.#state = state;
  }

  get state(): FeedState | undefined {
    return this.#state;
  }

  async #load(): Promise<void> {
    const { target } = this.#options;
    [this.#state, this.#skips] = await target.snapshot(async (session) => [
      await loadState(session, this.name),
      await loadSkips(session, this.name),
    ]);
    this.#loaded = true;
  }

  /** Says whether the target took the changes; where no more are to come, it has to. */
  async #applied(
    writer: Writer,
    tables: Applied[],
    changes: Change[],
    { backfill }: FeedState,
    whole: boolean,
  ): Promise<boolean> {
    const apply = () =>
      applyChanges(writer, this.name, tables, changes, { stale: staleRows(tables, backfill), whole });
    if (whole) {
      await apply();
      return true;
    }
    try {
      await writer.attempt(apply);
      return true;
    } catch (error) {
      if (error instanceof PoisonRow || isRefusal(error)) return false;
      throw error;
    }
  }

  /** The position moves even where nothing of ours changed, but not at every look: that would write without end. */
  async #advanced(was: FeedState, to: string, passed: boolean): Promise<FeedState> {
    if (was.position === to) return was;
    if (!passed && BigInt(to) - BigInt(was.position) < this.#changes.stride) return was;
    const state = { ...was, position: to };
    await this.target.transaction((writer) => saveState(writer, this.name, was, state), {
      origin: this.name,
    });
    return state;
  }
}
