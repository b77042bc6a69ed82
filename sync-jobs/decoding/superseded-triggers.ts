import { catalogTable, logTable, wantedOf } from '../capture/layout.ts';
import { functionName } from '../capture/postgres-triggers.ts';
import type { GroupDeclaration } from '../mapping/group.ts';
import { literal, quoted } from '../stores/sql.ts';
import type { Session } from '../stores/store.ts';

/**
 * Statements that take away the triggers that groups had before they were decoded, and what these logged.
 * @param declared every group there is: a table stays as it is while one of them has it captured by triggers.
 */
export async function triggerRemoval(
  session: Session,
  decoded: GroupDeclaration[],
  declared: GroupDeclaration[],
): Promise<string[]> {
  const needed = new Set(wantedOf(declared, 'legacy').map(({ table }) => table));
  const tables = new Set(decoded.flatMap((group) => group.tables.map(({ from }) => from)));
  const statements: string[] = [];
  for (const table of await captured(session)) {
    if (needed.has(table) || !tables.has(table)) continue;
    const triggers = await triggersOf(session, table);
    statements.push(
      ...triggers.map((name) => `DROP TRIGGER ${quoted(name)} ON ${quoted(table)}`),
      `DROP FUNCTION IF EXISTS ${functionName(table)}()`,
      `DELETE FROM ${catalogTable} WHERE tbl = ${literal(table)}`,
      `DELETE FROM ${logTable} WHERE tbl = ${literal(table)}`,
    );
  }
  return statements;
}

async function captured(session: Session): Promise<string[]> {
  const [there] = await session.query('SELECT (to_regclass(?) IS NOT NULL)::int', [catalogTable]);
  if (there?.[0] !== 1n) return [];
  const rows = await session.query(`SELECT tbl FROM ${catalogTable} ORDER BY tbl`);
  return rows.map(([table]) => String(table));
}

async function triggersOf(session: Session, table: string): Promise<string[]> {
  const rows = await session.query(
    `SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
     WHERE t.tgrelid = to_regclass(?) AND NOT t.tgisinternal AND p.proname = ?::name ORDER BY 1`,
    [quoted(table), `strangler_log_${table}`],
  );
  return rows.map(([name]) => String(name));
}
