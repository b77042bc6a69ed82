import { type ChangeSource, comparePositions, type Lag, type Page } from '../changes/change.ts';
import type { Direction, Owner } from '../mapping/group.ts';
import type { SourceTable } from '../mapping/plan.ts';
import type { Session } from '../stores/store.ts';
import { backfillBegins, backfillDone, type FeedState } from './state.ts';

/** What a step reads of the source's log. */
export interface Reading {
  /** The state that the step goes on from. */
  begin: FeedState;
  /** Up to where it reads. */
  to: string;
  /** There is more behind that. */
  more: boolean;
  page: Page;
  lag: Lag;
}

/** Whose changes are read. */
export interface Reader {
  changes: ChangeSource;
  direction: Direction;
  owner: Owner;
  sources: SourceTable[];
  pageRows: number;
}

/** The changes from a feed's position to the end of the log, or the first of them. */
export async function readChanges(
  session: Session,
  reader: Reader,
  was: FeedState | undefined,
): Promise<Reading> {
  const { changes, sources, pageRows } = reader;
  const begin = await beginning(session, reader, was);
  const { to, more } = await window(session, changes, begin.position);
  const page = await changes.page(session, { from: begin.position, to, afterId: -1n }, sources, pageRows);
  const names = sources.map(({ table }) => table);
  const lag =
    page.next === undefined
      ? { rows: page.changes.length, seconds: 0 }
      : await changes.lag(session, begin.position, names);
  return { begin, to, more, page, lag };
}

/** Up to where a step reads: never back before where the feed is. */
async function window(
  session: Session,
  changes: ChangeSource,
  from: string,
): Promise<{ to: string; more: boolean }> {
  const { to, more } = (await changes.window?.(session)) ?? { to: await changes.end(session), more: false };
  return { to: comparePositions(to, from) < 0 ? from : to, more };
}

/** The state to go on from: as it was, or anew where the log does not reach back to it. */
async function beginning(
  session: Session,
  { changes, sources, direction, owner }: Reader,
  was: FeedState | undefined,
): Promise<FeedState> {
  const generation = await changes.generation(session, sources.map(({ table }) => table).sort());
  const holds = was !== undefined && (await changes.holds(session, was.position));
  if (was !== undefined && was.generation === generation && holds) return was;
  // The opposite direction has nothing to copy first: both sides are equal when it becomes the live one.
  const copies = direction === 'forward' || (was !== undefined && owner === 'service');
  return {
    position: await changes.end(session),
    generation,
    backfill: copies ? backfillBegins : backfillDone,
    applied: was?.applied ?? 0,
    foreignChanges: was?.foreignChanges ?? 0,
  };
}
