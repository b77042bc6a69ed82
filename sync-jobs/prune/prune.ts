import { logTable } from '../capture/layout.ts';
import type { Store } from '../stores/store.ts';

/** At most so many rows go in one transaction: the legacy application waits for no longer than that takes. */
const portion = 2_000;

/**
 * Removes what every reader of a log has behind it.
 * @param before a position: what lies before it is not needed by anybody.
 * @returns how many rows went.
 */
export async function pruneLog(store: Store, before: string, signal: AbortSignal): Promise<number> {
  const sql =
    store.dialect === 'sqlite'
      ? `DELETE FROM ${logTable} WHERE id IN (SELECT id FROM ${logTable} WHERE id <= ? ORDER BY id LIMIT ${portion})`
      : `DELETE FROM ${logTable} WHERE (xid, id) IN (SELECT xid, id FROM ${logTable} ` +
        `WHERE xid < ?::text::xid8 ORDER BY xid, id LIMIT ${portion})`;
  const bound = store.dialect === 'sqlite' ? BigInt(before) : before;
  let total = 0;
  while (!signal.aborted) {
    const removed = await store.transaction(async (writer) => {
      const count = await writer.run(sql, [bound]);
      if (count > 0) {
        await writer.run(
          'INSERT INTO strangler_pruned (id, position) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET position = excluded.position',
          [before],
        );
      }
      return count;
    });
    total += removed;
    if (removed < portion) break;
  }
  return total;
}

/** How many rows a log has; the newest id minus the oldest, which asks for no scan. */
export async function logRows(store: Store): Promise<number> {
  return store.snapshot(async (session) => {
    const [row] = await session.query(`SELECT coalesce(max(id) - min(id) + 1, 0) FROM ${logTable}`);
    return Number(row?.[0] ?? 0);
  });
}
