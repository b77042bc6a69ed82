import { Failure } from '@strangler-fig/kernel/failure';
import { quoted } from '../stores/sql.ts';
import type { Session } from '../stores/store.ts';
import type { Decoded } from './slot.ts';

/** @throws Failure `decoding_unavailable` with every reason why this server or role cannot decode. */
export async function requireDecoding(session: Session, place: string): Promise<void> {
  const [row] = await session.query(
    `SELECT current_setting('wal_level'), current_user::text, EXISTS (
       SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolreplication)
         OR rolname = 'rds_replication' AND pg_has_role(current_user, oid, 'member'))::int`,
  );
  const [level, role, may] = row ?? [];
  const reasons: string[] = [];
  const hints: string[] = [];
  if (level !== 'logical') {
    reasons.push(`wal_level is ${level}`);
    hints.push('Set wal_level = logical and restart the server.');
  }
  if (may !== 1n) {
    reasons.push(`the role ${role} may not replicate`);
    hints.push(`Run ALTER ROLE ${quoted(String(role))} REPLICATION as an administrator.`);
  }
  if (reasons.length > 0) {
    throw unavailable(`${place} cannot decode its log: ${reasons.join(', and ')}.`, hints.join(' '));
  }
}

/** A replica identity: what of a row's old values PostgreSQL logs. */
export interface Identity {
  /** As `ALTER TABLE … REPLICA IDENTITY` takes it. */
  is: string;
  /** It gives old keys and unchanged values for all that a group reads. */
  suffices: boolean;
}

/**
 * The replica identity of a table that a group decodes.
 * @throws Failure `decoding_unavailable` for a table that cannot be decoded row by row.
 */
export async function identityOf(session: Session, { table, key, columns }: Decoded): Promise<Identity> {
  const [row] = await session.query(tableSql, [quoted(table)]);
  if (row === undefined) {
    throw new Failure('tables_missing', `The legacy database has no table ${table} yet.`, {
      hint: 'Start the application that makes it.',
    });
  }
  const [identity, kind, persistence, index, identityColumns, described] = row.map(String) as string[];
  const triggers = "Take capture: 'decoding' out of the group's declaration; triggers can do it.";
  if (kind !== 'r' || persistence !== 'p') {
    throw unavailable(`${table} is not an ordinary logged table: its changes cannot be decoded.`, triggers);
  }
  const all = JSON.parse(described!) as { name: string; outOfLine: boolean; generated: boolean }[];
  const used = all.filter(({ name }) => columns.includes(name));
  const generated = used.find((column) => column.generated);
  if (generated !== undefined) {
    throw unavailable(
      `${table}.${generated.name} is a generated column, which the log does not hold.`,
      triggers,
    );
  }
  const named = JSON.parse(identityColumns!) as string[];
  const byKey = key.every((column) => named.includes(column)) && !used.some(({ outOfLine }) => outOfLine);
  const forms: Record<string, string> = { f: 'FULL', n: 'NOTHING', i: `USING INDEX ${quoted(index!)}` };
  return { is: forms[identity!] ?? 'DEFAULT', suffices: identity === 'f' || byKey };
}

const tableSql = `
  SELECT c.relreplident::text, c.relkind::text, c.relpersistence::text, k.name, coalesce(k.columns, '[]'),
    (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'outOfLine', a.attstorage <> 'p',
        'generated', a.attgenerated <> '')), '[]')::text
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
  FROM pg_class c LEFT JOIN LATERAL (
    SELECT n.relname::text AS name, (SELECT json_agg(a.attname)::text FROM pg_attribute a
        WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::int2[])) AS columns
    FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid
    WHERE i.indrelid = c.oid
      AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
  ) k ON true
  WHERE c.oid = to_regclass(?)`;

export function unavailable(message: string, hint: string): Failure {
  return new Failure('decoding_unavailable', message, { hint, exitCode: 2 });
}
