import type { Session } from '../stores/store.ts';
import { type Logged, read } from './reading.ts';
import type { Slot } from './slot.ts';
import type { Visibility } from './snapshot.ts';

/** A transaction as a window keeps it. */
interface Transaction {
  commit: bigint;
  end: bigint;
  changes: Logged[];
}

/** What was read at once: everything from what the slot had confirmed to an end that a snapshot shows. */
export interface Window {
  generation: string;
  from: bigint;
  to: bigint;
  /** Where the reading began. */
  restart: bigint;
  /** Messages of the slot. */
  read: number;
  /** The reading stopped for its length: there is more. */
  more: boolean;
  /** The reading stopped before a transaction that has committed and is not shown yet. */
  waits: boolean;
  /** Without what feeds did. Undefined where it is too much to be kept. */
  transactions: Transaction[] | undefined;
}

/** How much of the log is read at once, and how much of that is kept, in messages. */
export interface Amount {
  window: number;
  kept: number;
}

/**
 * Reads what the slot has for a snapshot, or so many messages of it and to the end of the last one's transaction.
 */
export async function readWindow(
  session: Session,
  slot: Slot,
  visibility: Visibility,
  { messages, kept }: { messages: number | undefined; kept: number },
): Promise<Window> {
  const window: Window = {
    generation: slot.generation,
    from: slot.confirmed,
    to: slot.confirmed,
    restart: slot.restart,
    read: 0,
    more: false,
    waits: false,
    transactions: [],
  };
  let one = { commit: 0n, ours: true, changes: [] as Logged[] };
  let count = 0;
  for await (const event of read(session, slot, messages === undefined ? {} : { messages })) {
    window.read++;
    if (event.kind === 'begin') {
      if (!visibility.shows(event.xid)) return { ...window, to: event.commit, waits: true };
      one = { commit: event.commit, ours: true, changes: [] };
    } else if (event.kind === 'origin') {
      one = { ...one, ours: false, changes: [] };
    } else if (event.kind === 'change' && one.ours && window.transactions !== undefined) {
      one.changes.push(event.change);
      if (++count > kept) {
        window.transactions = undefined;
        one.changes = [];
      }
    } else if (event.kind === 'end') {
      window.to = event.end;
      window.transactions?.push({ commit: one.commit, end: event.end, changes: one.changes });
    } else if (event.kind === 'passed') window.to = event.place;
    else if (event.kind === 'limit') window.more = true;
  }
  return window;
}

/** What a window has between two positions, or undefined where it does not reach so far or has not kept it. */
export function keptBetween(
  window: Window | undefined,
  slot: Slot,
  from: bigint,
  to: bigint,
): Logged[] | undefined {
  if (window === undefined || window.generation !== slot.generation) return undefined;
  if (from < window.from || to > window.to) return undefined;
  return window.transactions
    ?.filter(({ commit, end }) => commit >= from && end <= to)
    .flatMap(({ changes }) => changes);
}
