import { randomInt } from 'node:crypto';
import { Failure } from '@strangler-fig/kernel/failure';
import { controlStatements, controlTables } from '../control-tables.ts';
import type { GroupDeclaration } from '../mapping/group.ts';
import { originTable } from '../stores/origin.ts';
import { literal, quoted } from '../stores/sql.ts';
import type { Session, Store, TableShape } from '../stores/store.ts';
import {
  type Captured,
  catalogTable,
  grown,
  type Installed,
  logTable,
  readCatalog,
  wantedOf,
} from './layout.ts';
import * as postgres from './postgres-triggers.ts';
import * as sqlite from './sqlite-triggers.ts';

/** What of capture is not as it has to be. */
export interface Drift {
  table: string;
  /** `missing`: changes go unseen. `added`: a column came to the table that no declaration speaks of. */
  kind: 'missing' | 'added';
  what: string;
}

/** What would make a database as the groups need it. */
export interface InstallPlan {
  place: string;
  /** In order; none where everything is in place. */
  statements: string[];
  drift: Drift[];
}

/** What it takes to capture the groups' tables on one side, and what is amiss. Changes nothing. */
export async function planInstall(
  store: Store,
  groups: GroupDeclaration[],
  side: 'legacy' | 'service',
): Promise<InstallPlan> {
  const wanted = wantedOf(groups, side);
  const shapes = await shapesOf(store, wanted);
  const log = await store.shape(logTable);
  const control = await missingControlTables(store);
  return store.snapshot(async (session) => {
    const catalog = await readCatalog(session, log !== undefined);
    const tables = wanted.map((one) => grown(one, catalog.get(one.table), shapes.get(one.table)!));
    const present = await presentTriggers(session, store.dialect);
    const statements = [...controlStatements(control), ...logOf(store, log, [...catalog.values()], tables)];
    const drift: Drift[] = [];
    const schemas = await schemasOf(store, session, tables);
    for (const table of tables) {
      const shape = shapes.get(table.table)!;
      const installed = catalog.get(table.table);
      const made = triggersOf(store, table, shape, schemas(table.table));
      const stale = [...made].filter(([name, text]) => present.get(name) !== text);
      if (installed !== undefined)
        drift.push(
          ...driftOf(
            table,
            installed,
            shape,
            stale.map(([name]) => name),
            present,
          ),
        );
      const same =
        installed?.columns.join() === table.columns.join() && installed.key.join() === table.key.join();
      if (same && stale.length === 0) {
        const news = [...shape.columns.keys()].some((column) => !installed.had.includes(column));
        if (news) statements.push(catalogEntry(table, shape, installed.generation));
        continue;
      }
      if (store.dialect === 'postgres')
        statements.push(postgres.functionStatement(table, schemas(table.table)));
      for (const [name, text] of made) {
        statements.push(dropTrigger(store, name, table.table), ...creation(store, name, table.table, text));
      }
      statements.push(catalogEntry(table, shape, randomInt(2 ** 47)));
    }
    return { place: store.place, statements, drift };
  });
}

/** Makes a database as the groups need it, in one transaction. Returns what was run. */
export async function install(
  store: Store,
  groups: GroupDeclaration[],
  side: 'legacy' | 'service',
): Promise<InstallPlan> {
  // Groups that share a database prepare it one after the other. Two processes may still meet; then one of them fails as a
  // whole, and finds everything in place at its next attempt.
  const turn = (installing.get(store.place) ?? Promise.resolve()).then(async () => {
    const plan = await planInstall(store, groups, side);
    if (plan.statements.length > 0) await runAll(store, plan.statements);
    return plan;
  });
  const over = turn.then(
    () => {},
    () => {},
  );
  installing.set(store.place, over);
  return turn;
}

const installing = new Map<string, Promise<void>>();

/** What takes everything away again that was ever installed in a database. Changes nothing. */
export async function planUninstall(store: Store): Promise<InstallPlan> {
  const log = await store.shape(logTable);
  const known = (await Promise.all(controlTables.map((table) => store.shape(table)))).some(
    (shape) => shape !== undefined,
  );
  if (log === undefined && !known) return { place: store.place, statements: [], drift: [] };
  return store.snapshot(async (session) => {
    const catalog = await readCatalog(session, log !== undefined);
    const statements: string[] = [];
    const present = await presentTriggers(session, store.dialect, true);
    for (const { table } of catalog.values()) {
      for (const name of present.keys()) {
        if (name.startsWith('strangler_') && name.endsWith(`_${table}`))
          statements.push(dropTrigger(store, name, table));
      }
      if (store.dialect === 'postgres')
        statements.push(`DROP FUNCTION IF EXISTS ${postgres.functionName(table)}()`);
    }
    for (const table of [
      logTable,
      catalogTable,
      ...(store.dialect === 'sqlite' ? [originTable] : []),
      ...controlTables,
    ]) {
      statements.push(`DROP TABLE IF EXISTS ${table}`);
    }
    return { place: store.place, statements, drift: [] };
  });
}

export async function uninstall(store: Store): Promise<InstallPlan> {
  const plan = await planUninstall(store);
  if (plan.statements.length > 0) await runAll(store, plan.statements);
  return plan;
}

async function runAll(store: Store, statements: string[]): Promise<void> {
  await store.transaction(async (writer) => {
    for (const statement of statements) await writer.run(statement);
  });
}

async function shapesOf(store: Store, wanted: Captured[]): Promise<Map<string, TableShape>> {
  const shapes = new Map<string, TableShape>();
  const absent: string[] = [];
  for (const { table } of wanted) {
    const shape = await store.shape(table);
    if (shape === undefined) absent.push(table);
    else shapes.set(table, shape);
  }
  if (absent.length === 0) return shapes;
  throw new Failure('tables_missing', `${store.place} has no table ${absent.join(', ')} yet.`, {
    hint: 'Start the application that makes them.',
  });
}

async function missingControlTables(store: Store): Promise<string[]> {
  const missing: string[] = [];
  for (const table of controlTables) {
    if ((await store.shape(table)) === undefined) missing.push(table);
  }
  return missing;
}

function logOf(store: Store, log: TableShape | undefined, known: Captured[], tables: Captured[]): string[] {
  if (store.dialect === 'postgres') return postgres.logStatements(log);
  const all = [...known, ...tables];
  const width = (count: (one: Captured) => number) => Math.max(1, ...all.map(count));
  return sqlite.logStatements(
    log,
    width(({ key }) => key.length),
    width(({ columns }) => columns.length),
  );
}

/** By name: the trigger's text, on PostgreSQL followed by a hash of its function's. */
function triggersOf(store: Store, table: Captured, shape: TableShape, schemas: Schemas): Map<string, string> {
  if (store.dialect === 'sqlite') return sqlite.triggers(table, shape);
  const body = bodyOf(postgres.functionStatement(table, schemas));
  return new Map([...postgres.triggers(table)].map(([name, text]) => [name, `${text}\n${body}`]));
}

function bodyOf(statement: string): string {
  return statement.split('$strangler$')[1] ?? '';
}

/** PostgreSQL gives a trigger back in its own words, so ours are kept beside it. */
function creation(store: Store, name: string, table: string, text: string): string[] {
  const statement = text.split('\n', 1)[0]!;
  if (store.dialect === 'sqlite') return [statement];
  return [statement, `COMMENT ON TRIGGER ${quoted(name)} ON ${quoted(table)} IS ${literal(statement)}`];
}

/** @param disabled those of PostgreSQL, too, that are there and switched off. */
async function presentTriggers(
  session: Session,
  dialect: Store['dialect'],
  disabled = false,
): Promise<Map<string, string>> {
  if (dialect === 'sqlite') {
    const rows = await session.query("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
    return new Map(rows.map(([name, text]) => [String(name), String(text)]));
  }
  const rows = await session.query(
    `SELECT t.tgname, obj_description(t.oid, 'pg_trigger'), p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
     JOIN pg_class c ON c.oid = t.tgrelid
     WHERE NOT t.tgisinternal AND t.tgname LIKE 'strangler\\_%' AND (t.tgenabled <> 'D' OR ?::boolean) AND pg_table_is_visible(c.oid)`,
    [disabled ? 1n : 0n],
  );
  return new Map(rows.map(([name, text, body]) => [String(name), `${String(text)}\n${String(body)}`]));
}

function dropTrigger(store: Store, name: string, table: string): string {
  return `DROP TRIGGER IF EXISTS ${quoted(name)}${store.dialect === 'postgres' ? ` ON ${quoted(table)}` : ''}`;
}

function driftOf(
  table: Captured,
  installed: Installed,
  shape: TableShape,
  stale: string[],
  present: Map<string, string>,
): Drift[] {
  const gone = stale.filter((name) => !present.has(name));
  const lost = installed.columns.filter((column) => !shape.columns.has(column));
  const added = [...shape.columns.keys()].filter((column) => !installed.had.includes(column));
  const drift = (kind: Drift['kind'], what: string): Drift => ({ table: table.table, kind, what });
  return [
    ...(gone.length > 0 ? [drift('missing', `trigger ${gone.join(', ')} is gone`)] : []),
    ...(gone.length === 0 && stale.length > 0
      ? [drift('missing', `trigger ${stale.join(', ')} is not as declared`)]
      : []),
    ...(lost.length > 0 ? [drift('missing', `column ${lost.join(', ')} is gone`)] : []),
    ...(added.length > 0 ? [drift('added', `column ${added.join(', ')} was added`)] : []),
  ];
}

function catalogEntry({ table, key, columns }: Captured, shape: TableShape, generation: number): string {
  const had = JSON.stringify([...shape.columns.keys()]);
  const values = [table, JSON.stringify(key), JSON.stringify(columns), had].map(literal).join(', ');
  return (
    `INSERT INTO ${catalogTable} (tbl, key_columns, columns, had, generation) VALUES (${values}, ${generation}) ` +
    'ON CONFLICT (tbl) DO UPDATE SET key_columns = excluded.key_columns, columns = excluded.columns, ' +
    'had = excluded.had, generation = excluded.generation'
  );
}

interface Schemas {
  /** Where the log is. */
  schema: string;
  /** Where the table is. */
  of: string;
}

async function schemasOf(
  store: Store,
  session: Session,
  tables: Captured[],
): Promise<(table: string) => Schemas> {
  if (store.dialect === 'sqlite') return () => ({ schema: '', of: '' });
  const [row] = await session.query('SELECT current_schema()');
  const schema = String(row?.[0]);
  const found = new Map<string, string>();
  for (const { table } of tables) {
    const [place] = await session.query(
      'SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = to_regclass(?)',
      [quoted(table)],
    );
    found.set(table, String(place?.[0]));
  }
  return (table) => ({ schema, of: found.get(table)! });
}
