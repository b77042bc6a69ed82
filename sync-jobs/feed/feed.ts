import { type Applied, applyChanges } from '../apply/apply.ts';
import { statementsFor } from '../apply/statements.ts';
import { type Change, type ChangeSource, comparePositions, type Lag } from '../changes/change.ts';
import { changesOf } from '../changes/open.ts';
import { type Direction, feedName, type GroupDeclaration, type Owner } from '../mapping/group.ts';
import { planTable, type SourceTable, type TablePlan } from '../mapping/plan.ts';
import { loadSkips, PoisonRow, type Skips } from '../poison/poison.ts';
import type { Session, Store, Writer } from '../stores/store.ts';
import { keyText, type Row } from '../stores/value.ts';
import { Copying, continued } from './copy.ts';
import { readKeys } from './range.ts';
import { staleRows, wantedOf } from './selection.ts';
import { readShapes } from './shapes.ts';
import { backfillBegins, backfillDone, type FeedState, loadState, saveState } from './state.ts';

/** What a feed works with. */
export interface FeedOptions {
  group: GroupDeclaration;
  direction: Direction;
  /** Where changes come from and go to; of this feed alone. */
  source: Store;
  target: Store;
  /** Rows of one step of the first copy. */
  chunkRows: number;
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
  #state: FeedState | undefined;
  #skips: Skips = new Map();
  #loaded = false;
  #plans: { owner: Owner; tables: Applied[]; armed: TablePlan[] } | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.name = feedName(options.group.name, options.direction);
    this.source = options.source;
    this.target = options.target;
    this.#changes = changesOf(options.source, options.group, options.direction);
    const { dialect: from } = options.source;
    const { dialect: to } = options.target;
    this.#copying = new Copying(this.name, from, to, this.#changes, () => this.#skips);
  }

  /** Forgets what it knows of the databases: to be called after a failure, or when someone else changed its state. */
  forget(): void {
    this.#loaded = false;
    this.#plans = undefined;
  }

  /** The tables as this feed reads and writes them, for an owner. */
  async plans(owner: Owner): Promise<{ tables: Applied[]; armed: TablePlan[] }> {
    if (this.#plans?.owner === owner) return this.#plans;
    const { group, direction, source, target } = this.#options;
    const [legacy, service] = direction === 'forward' ? [source, target] : [target, source];
    const shapes = await readShapes(group, legacy, service);
    const tables: Applied[] = [];
    const armed: TablePlan[] = [];
    for (const [index, declaration] of group.tables.entries()) {
      const plan = planTable(group, declaration, direction, shapes[index]!);
      const live =
        direction === 'forward'
          ? owner === 'legacy' || (declaration.reference ?? []).length > 0
          : owner === 'service';
      const extent = direction === 'forward' && owner === 'service' ? 'reference' : 'all';
      if (live) tables.push({ plan, statements: statementsFor(plan.target, target.dialect, extent) });
      else armed.push(plan);
    }
    this.#plans = { owner, tables, armed };
    return this.#plans;
  }

  /**
   * Carries over what there is, or the next part of it.
   * @param repair rows that are to be copied anew, beside the changes, by their keys.
   */
  async step(owner: Owner, repair?: { table: string; keys: Row[] }): Promise<Step> {
    const { source, target, chunkRows, pageRows = 10_000 } = this.#options;
    const { tables, armed } = await this.plans(owner);
    if (!this.#loaded) await this.#load();
    const was = this.#state;
    const started = performance.now();
    const read = await source.snapshot(async (session) => {
      const begin = await this.#beginning(session, was, [...tables.map(({ plan }) => plan), ...armed], owner);
      const { to, more } = await this.#window(session, begin.position);
      const sources = [...tables.map(({ plan }) => plan.source), ...armed.map((plan) => plan.source)];
      const range = { from: begin.position, to, afterId: -1n };
      const page = await this.#changes.page(session, range, sources, pageRows);
      const lag =
        page.next === undefined
          ? { rows: page.changes.length, seconds: 0 }
          : await this.#changes.lag(
              session,
              begin.position,
              sources.map(({ table }) => table),
            );
      const copy =
        repair !== undefined
          ? await this.#copying.chosen(session, repair, tables, to, begin.backfill)
          : // Rows that were changed since would be left out, and those are many when the log is long.
            more
            ? undefined
            : await this.#copying.next(session, begin, tables, chunkRows, to);
      return { begin, to, more, page, copy, lag, sources };
    });
    const sourceMilliseconds = performance.now() - started;
    const { begin, to, more, copy, lag, sources } = read;
    const foreign = (changes: Change[]) =>
      changes.filter(({ table }) => armed.some((plan) => plan.source.table === table)).length;
    if (
      was !== undefined &&
      begin === was &&
      !more &&
      copy === undefined &&
      read.page.changes.length === 0 &&
      read.page.next === undefined
    ) {
      // The position moves even where nothing of ours changed, but not at every look: that would write without end.
      if (was.position !== to) await this.#advanceNowAndThen(was, to, read.page.passed === true);
      await this.#changes.release?.((this.#state ?? was).position);
      return {
        idle: true,
        changes: 0,
        copied: 0,
        foreign: 0,
        state: this.#state ?? was,
        reached: to,
        sourceMilliseconds,
        lag,
      };
    }
    const counted = { changes: 0, foreign: 0 };
    const next = await target.transaction(
      async (writer) => {
        let page = read.page;
        let held: Change[] = [];
        while (true) {
          const live = wantedOf(page.changes, begin.backfill, tables, armed, this.#skips);
          counted.foreign += foreign(page.changes);
          counted.changes += live.length;
          held = [...held, ...live];
          if (held.length > 0 && (await this.#applied(writer, tables, held, begin, page.next === undefined)))
            held = [];
          if (page.next === undefined) break;
          const afterId = page.next;
          page = await source.snapshot((session) =>
            this.#changes.page(session, { from: begin.position, to, afterId }, sources, pageRows),
          );
        }
        const complete = copy === undefined || (await this.#copying.write(writer, copy, begin, tables));
        const state: FeedState = {
          ...begin,
          position: to,
          backfill: copy === undefined ? begin.backfill : continued(copy.next, begin.backfill, complete),
          applied: begin.applied + counted.changes,
          foreignChanges: begin.foreignChanges + counted.foreign,
        };
        await saveState(writer, this.name, was, state);
        return state;
      },
      { origin: this.name },
    );
    this.#state = next;
    await this.#changes.release?.(next.position);
    return {
      idle: false,
      ...counted,
      copied: copy?.rows.length ?? 0,
      state: next,
      reached: to,
      sourceMilliseconds,
      lag,
    };
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

  /** Up to where this step reads: never back before where the feed is. */
  async #window(session: Session, from: string): Promise<{ to: string; more: boolean }> {
    const { to, more } = (await this.#changes.window?.(session)) ?? {
      to: await this.#changes.end(session),
      more: false,
    };
    return { to: comparePositions(to, from) < 0 ? from : to, more };
  }

  /** The state to go on from: as it was, or anew where the log does not reach back to it. */
  async #beginning(
    session: Session,
    was: FeedState | undefined,
    plans: TablePlan[],
    owner: Owner,
  ): Promise<FeedState> {
    const generation = await this.#changes.generation(
      session,
      plans.map(({ source }) => source.table).sort(),
    );
    const holds = was !== undefined && (await this.#changes.holds(session, was.position));
    if (was !== undefined && was.generation === generation && holds) return was;
    // The opposite direction has nothing to copy first: both sides are equal when it becomes the live one.
    const copies = this.#options.direction === 'forward' || owner === 'service';
    const begins =
      was === undefined && this.#options.direction === 'back'
        ? backfillDone
        : copies
          ? backfillBegins
          : backfillDone;
    return {
      position: await this.#changes.end(session),
      generation,
      backfill: begins,
      applied: was?.applied ?? 0,
      foreignChanges: was?.foreignChanges ?? 0,
    };
  }

  /**
   * Applies a page. What the target refuses of it may be allowed with the next one, where the source checks its rules at
   * the end of a transaction only: it says so, unless this page is the last.
   */
  async #applied(
    writer: Writer,
    tables: Applied[],
    changes: Change[],
    { backfill }: FeedState,
    last: boolean,
  ): Promise<boolean> {
    const apply = () => applyChanges(writer, this.name, tables, changes, staleRows(tables, backfill));
    if (last) {
      await apply();
      return true;
    }
    try {
      await writer.attempt(apply);
      return true;
    } catch (error) {
      if (error instanceof PoisonRow) return false;
      throw error;
    }
  }

  async #advanceNowAndThen(was: FeedState, to: string, passed: boolean): Promise<void> {
    if (!passed && BigInt(to) - BigInt(was.position) < this.#changes.stride) return;
    const state = { ...was, position: to };
    await this.target.transaction((writer) => saveState(writer, this.name, was, state), {
      origin: this.name,
    });
    this.#state = state;
  }
}
