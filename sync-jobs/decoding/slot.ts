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
  /** Where every look begins to decode. */
  restart: bigint;
  /** Of this life of the slot, and of each table's being published. */
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
  const publication = publicationName(group);
  const [row] =
    here?.[1] === 1n
      ? await session.query(
          `SELECT (s.confirmed_flush_lsn - '0/0')::text, s.wal_status, d.generation, d.tables, (s.restart_lsn - '0/0')::text,
             (SELECT array_to_json(array_agg(r.oid::text ORDER BY r.oid))::text FROM pg_publication p
              JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = ?)
           FROM ${decodingTable} d LEFT JOIN pg_replication_slots s ON s.slot_name = ?
           WHERE d.grp = ?`,
          [publication, name, group],
        )
      : [];
  if (row === undefined) throw lost(group, 'is not installed');
  const [confirmed, status, generation, tables, restart, published] = row;
  if (confirmed === null) throw lost(group, `has lost its slot ${name}`);
  if (status === 'lost') throw lost(group, `has a slot, ${name}, whose log the server has removed`);
  const decoded = JSON.parse(String(tables)) as Decoded[];
  // A table that was made anew is not published; the server says nothing of it, not even where there is no publication.
  const entries = JSON.parse(String(published ?? '[]')) as string[];
  if (entries.length < decoded.length)
    throw lost(group, `has a publication, ${publication}, without its tables`);
  return {
    name,
    publication,
    confirmed: BigInt(String(confirmed)),
    restart: BigInt(String(restart)),
    generation: `${generation}:${entries.join()}`,
    tables: new Map(decoded.map((one) => [one.table, one])),
  };
}

function lost(group: string, what: string): Failure {
  return new Failure('capture_missing', `Logical decoding of ${group} ${what}.`, {
    hint: 'Run `fig sync install`; it shows first what it would do. The group is copied anew then.',
  });
}
