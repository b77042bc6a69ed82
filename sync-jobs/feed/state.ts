import { Failure } from '@strangler-fig/kernel/failure';
import type { Session } from '../stores/store.ts';
import { decodeRow, encodeRow, type Row } from '../stores/value.ts';

/** How far a feed is. Kept in the database that it writes to, and moved in the transaction that writes the rows. */
export interface FeedState {
  /** Everything of the source before it is applied. */
  position: string;
  /** Under which numbers the tables were captured when the copy began. */
  generation: string;
  backfill: BackfillState;
  /** Changes applied, ever. */
  applied: number;
  /** Changes that the side made which does not own the group, ever. */
  foreignChanges: number;
}

/**
 * How far the first copy is: tables before `table` are complete, of that table all rows with keys up to `after`. Rows
 * beyond are not copied yet, and their changes are left to the copy.
 */
export interface BackfillState {
  done: boolean;
  table: number;
  after: Row | undefined;
  rows: number;
  /**
   * A row that is gone could not be removed, because rows of an earlier copy still refer to it: everything is copied once
   * more `after` this time, and `now` it has to go.
   */
  again?: 'after' | 'now';
  /**
   * Rows of this table or one before were left to their changes, which come with this position: a table that may refer
   * to them is not begun before it.
   */
  awaits?: string;
}

export const backfillDone: BackfillState = { done: true, table: 0, after: undefined, rows: 0 };
export const backfillBegins: BackfillState = { done: false, table: 0, after: undefined, rows: 0 };

export async function loadState(session: Session, feed: string): Promise<FeedState | undefined> {
  const [row] = await session.query(
    'SELECT position, generation, backfill, applied, foreign_changes FROM strangler_feed WHERE feed = ?',
    [feed],
  );
  if (row === undefined) return undefined;
  return {
    position: String(row[0]),
    generation: String(row[1]),
    backfill: decodeBackfill(String(row[2])),
    applied: Number(row[3]),
    foreignChanges: Number(row[4]),
  };
}

/**
 * Moves the state on, if it is still what it was.
 * @throws Failure `feed_moved` where another process moved it: what was read belongs to a past that is over.
 */
export async function saveState(
  session: Session,
  feed: string,
  was: FeedState | undefined,
  is: FeedState,
): Promise<void> {
  const values = [
    is.position,
    is.generation,
    encodeBackfill(is.backfill),
    BigInt(is.applied),
    BigInt(is.foreignChanges),
    BigInt(Date.now()),
  ];
  const changed =
    was === undefined
      ? await session.run(
          'INSERT INTO strangler_feed (position, generation, backfill, applied, foreign_changes, updated_at, feed) ' +
            'VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (feed) DO NOTHING',
          [...values, feed],
        )
      : await session.run(
          'UPDATE strangler_feed SET position = ?, generation = ?, backfill = ?, applied = ?, foreign_changes = ?, ' +
            'updated_at = ? WHERE feed = ? AND position = ? AND backfill = ? AND generation = ?',
          [...values, feed, was.position, encodeBackfill(was.backfill), was.generation],
        );
  if (changed === 1) return;
  throw new Failure('feed_moved', `${feed}: another process has moved this feed on.`, {
    hint: 'It is read anew; if this repeats, see that only one sync-jobs runs.',
  });
}

function encodeBackfill({ done, table, after, rows, again, awaits }: BackfillState): string {
  return JSON.stringify({
    done,
    table,
    after: after === undefined ? null : encodeRow(after),
    rows,
    again,
    awaits,
  });
}

function decodeBackfill(text: string): BackfillState {
  const { done, table, after, rows, again, awaits } = JSON.parse(text) as BackfillState & {
    after: string | null;
  };
  const from = after === null ? undefined : decodeRow(after as unknown as string);
  return {
    done,
    table,
    after: from,
    rows,
    ...(again === undefined ? {} : { again }),
    ...(awaits === undefined ? {} : { awaits }),
  };
}
