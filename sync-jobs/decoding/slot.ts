import { Failure } from '@strangler-fig/kernel/failure';
import type { Session } from '../stores/store.ts';
import { decodingTable, publicationName, slotName } from './names.ts';

/** A table as a group has it decoded. */
export interface Decoded {
  table: string;
  key: string[];
  columns: string[];
}

/** A group's slot, in use. */
export interface Slot {
  name: string;
  publication: string;
  /** Everything before it may be forgotten by the server. */
  confirmed: bigint;
  /** Of this life of the slot. */
  generation: string;
  tables: Map<string, Decoded>;
}

/**
 * The slot of a group.
 * @throws Failure `capture_missing` where it was never made, or is lost.
 */
export async function slotOf(session: Session, group: string): Promise<Slot> {
  const [here] = await session.query(
    'SELECT oid::text, (to_regclass(?) IS NOT NULL)::int FROM pg_database WHERE datname = current_database()',
    [decodingTable],
  );
  const name = slotName(String(here?.[0]), group);
  const [row] =
    here?.[1] === 1n
      ? await session.query(
          `SELECT (s.confirmed_flush_lsn - '0/0')::text, s.wal_status, d.generation, d.tables
           FROM ${decodingTable} d LEFT JOIN pg_replication_slots s ON s.slot_name = ?
           WHERE d.grp = ?`,
          [name, group],
        )
      : [];
  if (row === undefined) throw lost(group, 'is not installed');
  const [confirmed, status, generation, tables] = row;
  if (confirmed === null) throw lost(group, `has lost its slot ${name}`);
  if (status === 'lost') throw lost(group, `has a slot, ${name}, whose log the server has removed`);
  const decoded = JSON.parse(String(tables)) as Decoded[];
  return {
    name,
    publication: publicationName(group),
    confirmed: BigInt(String(confirmed)),
    generation: String(generation),
    tables: new Map(decoded.map((one) => [one.table, one])),
  };
}

function lost(group: string, what: string): Failure {
  return new Failure('capture_missing', `Logical decoding of ${group} ${what}.`, {
    hint: 'Run `fig sync install`; it shows first what it would do. The group is copied anew then.',
  });
}
