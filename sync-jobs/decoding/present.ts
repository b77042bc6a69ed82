import type { Session } from '../stores/store.ts';
import { decodingTable, identityTable, slotPrefix } from './names.ts';

/** What is there of decoding in a database. */
export interface Present {
  database: string;
  /** Whether our own tables are there. */
  tables: boolean;
  /** What was installed for a group, as JSON, by its name. */
  groups: Map<string, string>;
  /** Our slots, by name: whether the server still has what they need of its log. */
  slots: Map<string, boolean>;
  /** What each of our publications publishes, by name: its tables, in order. */
  publications: Map<string, string[]>;
  /** The replica identity that a table had before, by the table's name. */
  identities: Map<string, string>;
}

export async function readPresent(session: Session): Promise<Present> {
  const [here] = await session.query(
    'SELECT oid::text, (to_regclass(?) IS NOT NULL)::int FROM pg_database WHERE datname = current_database()',
    [decodingTable],
  );
  const database = String(here?.[0]);
  const tables = here?.[1] === 1n;
  const pairs = async (sql: string, parameters: string[] = []): Promise<[string, string][]> =>
    (await session.query(sql, parameters)).map(([name, what]) => [String(name), String(what)]);
  const slots = await pairs(
    `SELECT slot_name, coalesce(wal_status, '') FROM pg_replication_slots
     WHERE slot_type = 'logical' AND database = current_database() AND starts_with(slot_name, ?)`,
    [slotPrefix(database)],
  );
  // One that publishes less than every kind of change is none of ours.
  const publications = await pairs(
    `SELECT p.pubname, coalesce((SELECT json_agg(c.relname ORDER BY c.relname) FROM pg_publication_rel r
        JOIN pg_class c ON c.oid = r.prrelid
        WHERE r.prpubid = p.oid AND pubinsert AND pubupdate AND pubdelete AND pubtruncate), '[]')::text
     FROM pg_publication p WHERE p.pubname LIKE 'strangler\\_%'`,
  );
  return {
    database,
    tables,
    groups: new Map(tables ? await pairs(`SELECT grp, tables FROM ${decodingTable}`) : []),
    slots: new Map(slots.map(([name, status]) => [name, status !== 'lost'])),
    publications: new Map(publications.map(([name, list]) => [name, JSON.parse(list) as string[]])),
    identities: new Map(tables ? await pairs(`SELECT tbl, was FROM ${identityTable}`) : []),
  };
}
