import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../stores/store.ts';

/** How far the server's log is: written, in memory, at the end of a record; or on disk, maybe within one. */
export type Extent = 'written' | 'on disk';

const functions: Record<Extent, string> = {
  written: 'pg_current_wal_insert_lsn()',
  'on disk': 'pg_current_wal_flush_lsn()',
};

/** A place in the log as the number that positions are. */
export async function logPlace(session: Session, extent: Extent): Promise<bigint> {
  const [row] = await session.query(`SELECT (${functions[extent]} - '0/0')::text`);
  return BigInt(String(row?.[0]));
}

/**
 * Resolves when everything that the snapshot shows is in the log on disk, which is all that can be read: without
 * `synchronous_commit` it may be shown before. Stays on the session's own connection: two that held one each and waited
 * for another would wait for each other.
 */
export async function flushShown(session: Session): Promise<void> {
  const written = await logPlace(session, 'written');
  const isThere = async () => (await logPlace(session, 'on disk')) >= written;
  if (await isThere()) return;
  const [row] = await session.query(
    `SELECT current_setting('server_version_num')::int, setting::int FROM pg_settings WHERE name = 'wal_writer_delay'`,
  );
  const [version, pace] = [Number(row?.[0]), Number(row?.[1])];
  if (version >= 170_000) {
    await session.query("SELECT pg_logical_emit_message(false, 'strangler.flush', '', true)");
    return;
  }
  // Every commit is on disk after three rounds of the server's own writer; what is after the last need not get there.
  const deadline = performance.now() + 3 * pace + 50;
  while (performance.now() < deadline && !(await isThere())) await delay(5);
}

/** A place in the log as PostgreSQL writes it. */
export function lsnText(position: bigint): string {
  return `${(position >> 32n).toString(16)}/${(position & 0xffffffffn).toString(16)}`;
}
