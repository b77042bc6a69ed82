import { originTable } from '../stores/origin.ts';
import { literal, quoted } from '../stores/sql.ts';
import type { TableShape } from '../stores/store.ts';
import { type Captured, catalogTable, logTable } from './layout.ts';

// Built-in functions only, and none that a library of ten years ago lacks: the triggers run in the legacy
// application's own connections. Values are logged as they are, in columns without a type, so that nothing is
// converted: no JSON, which knows neither blobs nor whole numbers beyond 2^53.

/** The tables that capture needs, with room for rows of so many columns. */
export function logStatements(existing: TableShape | undefined, keys: number, columns: number): string[] {
  const names = [
    ...Array.from({ length: keys }, (_, index) => `k${index}`),
    ...Array.from({ length: columns }, (_, index) => `c${index}`),
  ];
  if (existing !== undefined) {
    return names
      .filter((name) => !existing.columns.has(name))
      .map((name) => `ALTER TABLE ${logTable} ADD COLUMN ${name}`);
  }
  return [
    // AUTOINCREMENT: an id that was pruned must never come again.
    `CREATE TABLE ${logTable} (id INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, op TEXT NOT NULL, ` +
      `at REAL NOT NULL DEFAULT (julianday('now')), ${names.join(', ')})`,
    `CREATE TABLE ${originTable} (id INTEGER PRIMARY KEY, feed TEXT NOT NULL)`,
    `CREATE TABLE ${catalogTable} (tbl TEXT PRIMARY KEY, key_columns TEXT NOT NULL, columns TEXT NOT NULL, ` +
      'had TEXT NOT NULL, generation INTEGER NOT NULL)',
  ];
}

/**
 * The triggers of a table, by name. What is logged of a row is the row as it stands when the trigger runs, and not NEW:
 * another trigger or a cascade may have changed it again, and its own entry may come before ours.
 */
export function triggers({ table, key, columns }: Captured, shape: TableShape): Map<string, string> {
  const on = quoted(table);
  const name = (what: string) => `strangler_${what}_${table}`;
  const ours = `NOT EXISTS (SELECT 1 FROM ${originTable})`;
  const images = columns.map((_, index) => `c${index}`).join(', ');
  const oldKeys = key.map((_, index) => `k${index}`).join(', ');
  const of = (row: string, names: string[]) => names.map((column) => `${row}.${quoted(column)}`).join(', ');
  const into = (names: string) => `BEGIN INSERT INTO ${logTable} (tbl, op, ${names})`;
  const entry = (op: string) => `${literal(table)}, '${op}'`;
  const here = key.map((column) => `now.${quoted(column)} = NEW.${quoted(column)}`).join(' AND ');
  const made = new Map([
    [
      'insert',
      `AFTER INSERT ON ${on} WHEN ${ours} ${into(images)} ` +
        `SELECT ${entry('I')}, ${of('now', columns)} FROM ${on} AS now WHERE ${here}; END`,
    ],
    [
      // Not UPDATE OF: a statement may name a row id, or what a computed column is computed of.
      'update',
      `AFTER UPDATE ON ${on} WHEN ${ours} AND (${differs(columns)}) ${into(`${oldKeys}, ${images}`)} ` +
        `SELECT ${entry('U')}, ${of('OLD', key)}, ${of('now', columns)} FROM (SELECT 1) LEFT JOIN ${on} AS now ON ${here}; END`,
    ],
    [
      'delete',
      `AFTER DELETE ON ${on} WHEN ${ours} ${into(oldKeys)} VALUES (${entry('D')}, ${of('OLD', key)}); END`,
    ],
  ]);
  // OR REPLACE removes rows that stand in the way of a unique index without firing their delete triggers. Which
  // these are is known before only; whether they went is looked up when the log is read.
  const touched = (conditions: string[], itself: string) =>
    `${into(oldKeys)} SELECT ${entry('X')}, ${key.map(quoted).join(', ')} ` +
    `FROM ${on} WHERE (${conditions.map((one) => `(${one})`).join(' OR ')}) AND NOT (${exactly(key, itself)}); END`;
  const own = [...key].sort().join();
  const exact = key.every((column) => shape.columns.get(column)?.type === 'integer');
  // A row with the same whole numbers for a key is the row itself; with a text key it may differ in case.
  const others = shape.collisions.filter(({ columns: those }) => !exact || [...those].sort().join() !== own);
  if (others.length > 0) {
    const conditions = others.map(({ condition }) => condition);
    made.set('replace', `BEFORE INSERT ON ${on} WHEN ${ours} ${touched(conditions, 'NEW')}`);
  }
  const set = [...new Set([...key, ...shape.collisions.flatMap(({ columns: those }) => those)])];
  const all = shape.collisions.map(({ condition }) => condition);
  made.set('displace', `BEFORE UPDATE ON ${on} WHEN ${ours} AND (${differs(set)}) ${touched(all, 'OLD')}`);
  return new Map(
    [...made].map(([what, rest]) => [name(what), `CREATE TRIGGER ${quoted(name(what))} ${rest}`]),
  );
}

/** By their bytes: a column's own collation may take two texts for the same. */
function differs(columns: string[]): string {
  return columns
    .map((column) => `OLD.${quoted(column)} COLLATE BINARY IS NOT NEW.${quoted(column)}`)
    .join(' OR ');
}

function exactly(columns: string[], row: string): string {
  return columns
    .map((column) => `${quoted(column)} COLLATE BINARY IS ${row}.${quoted(column)}`)
    .join(' AND ');
}
