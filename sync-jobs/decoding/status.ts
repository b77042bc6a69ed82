import type { Store } from '../stores/store.ts';
import { slotName } from './names.ts';
import { readPresent } from './present.ts';

/** How a group's slot is, and what it costs the server. */
export interface SlotStatus {
  group: string;
  slot: string;
  /** `lost` where it has to be made anew; as pg_replication_slots has it otherwise, and `missing` where it is gone. */
  state: string;
  /** Bytes of the log that the server keeps for it, and reads whenever the slot is looked at. */
  retainedBytes: number;
  /** Bytes of the log that the feed has not passed. */
  behindBytes: number;
  /** Bytes that may still be written before the server gives the slot up; undefined where it never does. */
  remainingBytes: number | undefined;
}

/** The slots of all groups that are decoded, whoever reads them. */
export async function decodingStatus(store: Store): Promise<SlotStatus[]> {
  if (store.dialect === 'sqlite') return [];
  return store.snapshot(async (session) => {
    const present = await readPresent(session);
    const rows = await session.query(
      `SELECT slot_name, coalesce(wal_status, 'reserved'), (pg_current_wal_lsn() - restart_lsn)::bigint,
         (pg_current_wal_lsn() - confirmed_flush_lsn)::bigint, safe_wal_size
       FROM pg_replication_slots WHERE database = current_database()`,
    );
    const slots = new Map(rows.map((row) => [String(row[0]), row]));
    return [...present.groups.keys()].map((group) => {
      const slot = slotName(present.database, group);
      const [, state, retained, behind, remaining] = slots.get(slot) ?? [];
      return {
        group,
        slot,
        state: state === undefined ? 'missing' : String(state),
        retainedBytes: Number(retained ?? 0),
        behindBytes: Number(behind ?? 0),
        remainingBytes: remaining === undefined || remaining === null ? undefined : Number(remaining),
      };
    });
  });
}
