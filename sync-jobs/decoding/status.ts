import type { Store } from '../stores/store.ts';
import { slotName } from './names.ts';

/** How a group's slot is, and what it costs the server. */
export interface SlotStatus {
  name: string;
  /**
   * `reserved` or `extended` where all is well; `unreserved` where the server gives it up at its next checkpoint; `lost`
   * where that has happened and `missing` where there is none: then it has to be made anew.
   */
  state: 'reserved' | 'extended' | 'unreserved' | 'lost' | 'missing';
  /** Bytes of the log that the server keeps for it, and reads whenever the slot is looked at. */
  retainedBytes: number;
  /** Bytes of the log that the feed has not passed. */
  behindBytes: number;
  /** Bytes that may still be written before the server gives the slot up; null where it never does. */
  remainingBytes: number | null;
  /** `gone`: changes go unseen; `soon`: four fifths of what the server may keep are kept, or more. */
  danger: 'gone' | 'soon' | null;
}

/** The slot of a group that is decoded, whoever reads it. */
export function slotStatus(store: Store, group: string): Promise<SlotStatus> {
  return store.snapshot(async (session) => {
    const [here] = await session.query(
      'SELECT oid::text FROM pg_database WHERE datname = current_database()',
    );
    const name = slotName(String(here?.[0]), group);
    const [row] = await session.query(
      `SELECT coalesce(wal_status, 'reserved'), (pg_current_wal_lsn() - restart_lsn)::bigint,
         (pg_current_wal_lsn() - confirmed_flush_lsn)::bigint, safe_wal_size
       FROM pg_replication_slots WHERE slot_name = ?`,
      [name],
    );
    const [state, retained, behind, remaining] = row ?? ['missing', null, null, null];
    const seen = {
      name,
      state: state as SlotStatus['state'],
      retainedBytes: Number(retained ?? 0),
      behindBytes: Number(behind ?? 0),
      remainingBytes: remaining == null ? null : Number(remaining),
    };
    return { ...seen, danger: dangerOf(seen) };
  });
}

function dangerOf({
  state,
  retainedBytes,
  remainingBytes,
}: Omit<SlotStatus, 'danger'>): SlotStatus['danger'] {
  if (state === 'missing' || state === 'lost') return 'gone';
  if (state === 'unreserved') return 'soon';
  const mostly = remainingBytes !== null && remainingBytes < (retainedBytes + remainingBytes) / 5;
  return mostly ? 'soon' : null;
}
