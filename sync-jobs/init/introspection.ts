import { type Limit, readLimits } from '../check/limits.ts';
import { type Reference, readReferences } from '../check/references.ts';
import { quoted } from '../stores/sql.ts';
import type { Store, TableShape } from '../stores/store.ts';
import type { Value } from '../stores/value.ts';

/** A table as a draft needs to know it. */
export interface Known {
  name: string;
  shape: TableShape;
  limits: Map<string, Limit>;
  references: Reference[];
}

/** The tables of a database that belong to its application. */
export async function tableNames(store: Store): Promise<string[]> {
  const sql =
    store.dialect === 'sqlite'
      ? "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
      : `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
           AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY c.relname`;
  const rows = await store.snapshot((session) => session.query(sql));
  return rows.map(([name]) => String(name)).filter((name) => !/^strangler_|migrations?(_lock)?$/.test(name));
}

/** A table of a store, or undefined where there is none. */
export async function knowTable(store: Store, name: string): Promise<Known | undefined> {
  const shape = await store.shape(name);
  if (shape === undefined) return undefined;
  return store.snapshot(async (session) => ({
    name,
    shape,
    limits: await readLimits(session, store.dialect, name, shape),
    references: await readReferences(session, store.dialect, name),
  }));
}

/** Some values of a column that are not NULL. */
export async function someValues(store: Store, table: string, column: string): Promise<Value[]> {
  const name = quoted(column);
  const rows = await store.snapshot((session) =>
    session.query(`SELECT ${name} FROM ${quoted(table)} WHERE ${name} IS NOT NULL LIMIT 2000`),
  );
  return rows.map(([value]) => value!);
}

/** All values of a column that are not NULL, if they are no more than a number. */
export async function fewValues(
  store: Store,
  table: string,
  column: string,
  most: number,
): Promise<Value[] | undefined> {
  const name = quoted(column);
  const rows = await store.snapshot((session) =>
    session.query(
      `SELECT DISTINCT ${name} FROM ${quoted(table)} WHERE ${name} IS NOT NULL LIMIT ${most + 1}`,
    ),
  );
  return rows.length > most ? undefined : rows.map(([value]) => value!).sort();
}
