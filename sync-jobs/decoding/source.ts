import type { Change, ChangeSource, Lag, LogRange, Page } from '../changes/change.ts';
import { missingCapture } from '../changes/missing-capture.ts';
import type { SourceTable } from '../mapping/plan.ts';
import type { Session, Store } from '../stores/store.ts';
import type { Row } from '../stores/value.ts';
import { readersOf } from './images.ts';
import { flushShown, logPlace, lsnText } from './log-place.ts';
import { type Logged, read } from './reading.ts';
import { logRunningTransactions } from './running-transactions.ts';
import { mayQuieten, quieten } from './server-messages.ts';
import { type Slot, slotOf } from './slot.ts';
import { type Visibility, visibilityIn } from './snapshot.ts';
import { Turns } from './turns.ts';
import { type Amount, keptBetween, readWindow, type Window } from './window.ts';

/**
 * The slot is moved on when a look has so much to read. Moving reads the log, too, so it takes no more than this share
 * of the time, also where it is in vain: an open transaction keeps the slot at where it began.
 */
const releaseAfter = { bytes: 1n << 20n, messages: 1_000, share: 1 / 5 };

/** A window, how far the log was on disk, and what the snapshot showed. */
type Read = Window & { onDisk: bigint; visibility: Visibility };

/**
 * PostgreSQL's own log, by logical decoding. A position is a place between two records of the log, as a number, and what
 * committed before it is in the past. The slot is peeked at; it moves on when the target has committed, so it never
 * forgets what is not applied. That nothing comes twice is the position's doing.
 *
 * The log and a snapshot do not agree about what is committed at a moment. So the end of a window is put before the first
 * transaction that the snapshot does not show, and `beyond` tells what the snapshot shows and the window does not have.
 */
export class DecodingSource implements ChangeSource {
  /** Everything behind the position is decoded again at each look. */
  readonly stride = releaseAfter.bytes;
  readonly #store: Store;
  readonly #group: string;
  readonly #amount: Amount;
  #window: Read | undefined;
  /** A slot is read by one connection at a time; the server refuses another one. */
  readonly #turns: Turns;
  readonly #slots = new WeakMap<Session, Promise<Slot>>();
  #quiet: boolean | undefined;
  #releaseFrom = 0;
  /** Where the server wrote, at our wish, which transactions run: there, or before, is where looks can begin next. */
  #mark = 0n;

  constructor(store: Store, group: string, amount: Amount = { window: 20_000, kept: 50_000 }) {
    this.#store = store;
    this.#group = group;
    this.#amount = amount;
    this.#turns = Turns.of(`${store.place} ${group}`);
  }

  async end(session: Session): Promise<string> {
    return String((await this.#reach(session)).to);
  }

  async window(session: Session): Promise<{ to: string; more: boolean }> {
    const { to, more } = await this.#reach(session, this.#amount.window);
    return { to: String(to), more };
  }

  /** Those that are shown are before the end then, unless one that is not comes first. */
  async catchUp(session: Session): Promise<void> {
    await visibilityIn(session);
    await flushShown(session);
  }

  /** What is shown may come after a transaction that is not, and is before the end only when that one is shown, too. */
  async shown(session: Session): Promise<string> {
    await this.catchUp(session);
    const { to, waits, visibility } = await this.#reach(session);
    if (!waits) return String(to);
    const slot = await this.#slot(session);
    return this.#turns.during(async () => {
      let last = to;
      let shows = false;
      for await (const event of read(session, slot)) {
        if (event.kind === 'begin') shows = visibility.shows(event.xid);
        else if (event.kind === 'end' && shows && event.end > last) last = event.end;
      }
      return String(last);
    });
  }

  /** Not one from before what the slot has confirmed, nor of a server that had come further. */
  async holds(session: Session, position: string): Promise<boolean> {
    const { confirmed } = await this.#slot(session);
    const at = BigInt(position);
    return confirmed <= at && at <= (await logPlace(session, 'written'));
  }

  async page(
    session: Session,
    { from, to, afterId }: LogRange,
    tables: SourceTable[],
    limit: number,
  ): Promise<Page> {
    if (BigInt(from) >= BigInt(to)) return { changes: [], next: undefined };
    const slot = await this.#slot(session);
    const readers = readersOf(slot, tables);
    const changes: Change[] = [];
    for await (const logged of this.#between(session, slot, BigInt(from), BigInt(to))) {
      if (logged.id <= afterId) continue;
      for (const { name } of logged.relations) {
        const reader = readers.get(name);
        if (reader !== undefined) changes.push(reader.change(logged));
      }
      if (changes.length >= limit) return { changes, next: logged.id };
    }
    return { changes, next: undefined };
  }

  async beyond(session: Session, position: string, table: SourceTable): Promise<Row[]> {
    const slot = await this.#slot(session);
    const visibility = await visibilityIn(session);
    const reader = readersOf(slot, [table]).get(table.table)!;
    await flushShown(session);
    return this.#turns.during(async () => {
      const keys: Row[] = [];
      let counts = false;
      for await (const event of read(session, slot)) {
        if (event.kind === 'begin') counts = event.commit >= BigInt(position) && visibility.shows(event.xid);
        else if (event.kind === 'origin') counts = false;
        else if (event.kind === 'change' && counts) {
          const concerned = event.change.relations.some(({ name }) => name === table.table);
          if (concerned) keys.push(...reader.keys(event.change));
        }
      }
      return keys;
    });
  }

  /** Behind by more than a window, it is at least as many rows. */
  async lag(session: Session, position: string, tables: string[]): Promise<Lag> {
    const slot = await this.#slot(session);
    const wanted = new Set(tables);
    const [clock] = await session.query('SELECT extract(epoch FROM clock_timestamp())::float8');
    return this.#turns.during(async () => {
      let rows = 0;
      let oldest: number | undefined;
      let one = { at: 0, counts: false };
      for await (const event of read(session, slot, { messages: this.#amount.window })) {
        if (event.kind === 'begin') one = { at: event.at, counts: event.commit >= BigInt(position) };
        else if (event.kind === 'origin') one.counts = false;
        else if (event.kind === 'change' && one.counts) {
          const concerned = event.change.relations.filter(({ name }) => wanted.has(name)).length;
          rows += concerned;
          if (concerned > 0) oldest ??= one.at;
        }
      }
      const seconds = oldest === undefined ? 0 : Math.max(0, Number(clock?.[0]) - oldest / 1000);
      return { rows, seconds };
    });
  }

  /** Open transactions hold nothing back: their changes come when they commit. */
  async heldBackBy(): Promise<string[]> {
    return [];
  }

  async generation(session: Session, tables: string[]): Promise<string> {
    const slot = await this.#slot(session);
    const absent = tables.find((table) => !slot.tables.has(table));
    if (absent !== undefined) throw missingCapture(absent);
    return `decoding:${slot.generation}`;
  }

  /**
   * Lets the server forget what lies before a position that the target has committed, and sees to it that looks can begin
   * after it soon: the server moves to a record of which transactions run, once the slot has confirmed that record.
   */
  async release(position: string): Promise<void> {
    const window = this.#window;
    const at = BigInt(position);
    if (window === undefined) return;
    const { bytes, messages, share } = releaseAfter;
    const long = window.onDisk - window.restart > bytes;
    const due = (long || window.read > messages) && performance.now() >= this.#releaseFrom;
    // The next window begins where the slot is.
    if (!due && !window.more) return;
    const started = performance.now();
    await this.#store.snapshot(async (session) => {
      const slot = await this.#slot(session);
      if (slot.confirmed >= at) return;
      await this.#turns.during(() =>
        session.query('SELECT 1 FROM pg_replication_slot_advance(?, ?::text::pg_lsn)', [
          slot.name,
          lsnText(at),
        ]),
      );
    });
    if (long && this.#mark <= at) {
      await logRunningTransactions(this.#store, this.#quiet === true);
      this.#mark = await this.#store.snapshot((session) => logPlace(session, 'written'));
    }
    this.#releaseFrom = performance.now() + (performance.now() - started) * (1 / share - 1);
  }

  /** What is there to be read, or so many messages of it. */
  async #reach(session: Session, messages?: number): Promise<Read> {
    // Where a record ends; the end of what is on disk may lie within one, and no position may.
    const written = await logPlace(session, 'written');
    const slot = await this.#slot(session);
    const visibility = await visibilityIn(session);
    return this.#turns.during(async () => {
      // Before the reading: what is on disk now is read.
      const onDisk = await logPlace(session, 'on disk');
      const known = this.#window?.generation === slot.generation ? this.#window : undefined;
      // Somebody with a newer snapshot may have read it: it ends after what this one shows.
      const whole =
        known !== undefined && !known.more && !known.waits && visibility.includes(known.visibility);
      if (whole && known.onDisk === onDisk && known.from === slot.confirmed) return known;
      const window = await readWindow(session, slot, visibility, { messages, kept: this.#amount.kept });
      // What was an end stays one, also where the log on disk ends within a record now.
      const others = [known?.to ?? 0n, written].filter((at) => at <= onDisk && !window.more && !window.waits);
      const to = others.reduce((last, at) => (at > last ? at : last), window.to);
      this.#window = { ...window, onDisk, to, visibility };
      return this.#window;
    });
  }

  /** What was changed between two positions by others than feeds; from the window that was read, or anew. */
  async *#between(session: Session, slot: Slot, from: bigint, to: bigint): AsyncGenerator<Logged> {
    const kept = keptBetween(this.#window, slot, from, to);
    if (kept !== undefined) {
      yield* kept;
      return;
    }
    const done = await this.#turns.take();
    try {
      let counts = false;
      for await (const event of read(session, slot, { upTo: to })) {
        // The mark of a feed's own transaction is its first message.
        if (event.kind === 'begin') counts = event.commit >= from && event.commit < to;
        else if (event.kind === 'origin') counts = false;
        else if (event.kind === 'change' && counts) yield event.change;
      }
    } finally {
      done();
    }
  }

  #slot(session: Session): Promise<Slot> {
    const known = this.#slots.get(session);
    if (known !== undefined) return known;
    const slot = this.#quietly(session).then(() => slotOf(session, this.#group));
    this.#slots.set(session, slot);
    return slot;
  }

  async #quietly(session: Session): Promise<void> {
    this.#quiet ??= await mayQuieten(session);
    if (this.#quiet) await quieten(session);
  }
}
