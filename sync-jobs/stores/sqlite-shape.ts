import type Database from 'better-sqlite3';
import { quoted } from './sql.ts';
import type { Column, TableShape } from './store.ts';

interface ColumnInfo {
  name: string;
  type: string;
  notnull: bigint;
  dflt_value: string | null;
  pk: bigint;
  hidden: bigint;
}

/** A table of SQLite, as far as a mapping and triggers need to know it. */
export function readShape(database: Database.Database, table: string): TableShape | undefined {
  const columns = database
    .prepare<[string], ColumnInfo>(
      'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)',
    )
    .all(table);
  if (columns.length === 0) return undefined;
  const primary = columns
    .filter((column) => column.pk > 0n)
    .sort((left, right) => Number(left.pk - right.pk))
    .map((column) => column.name);
  return {
    columns: new Map(columns.map((column) => [column.name, columnOf(column, primary)])),
    unique: [...(primary.length === 0 ? [] : [primary]), ...uniqueIndexes(database, table)],
    primaryKey: primary,
    ...references(database, table),
    ...collisions(
      database,
      table,
      primary,
      columns.map(({ name }) => name),
    ),
  };
}

function columnOf({ name, type, notnull, dflt_value, hidden }: ColumnInfo, primary: string[]): Column {
  // INTEGER to the letter: a primary key of bigint is not the row's id, gets no value by itself and may be NULL.
  const isRowId = primary.length === 1 && primary[0] === name && type.toUpperCase() === 'INTEGER';
  return {
    name,
    type: affinity(type),
    declared: type,
    // SQLite lets NULL into every other primary key, unless it is NOT NULL.
    nullable: notnull === 0n && !isRowId,
    filledByDefault: dflt_value !== null || hidden !== 0n || isRowId,
  };
}

function references(database: Database.Database, table: string): Pick<TableShape, 'refersTo' | 'referring'> {
  const rows = database
    .prepare<[string], { table: string; from: string }>(
      'SELECT "table", "from" FROM pragma_foreign_key_list(?)',
    )
    .all(table);
  return {
    refersTo: [...new Set(rows.map((row) => row.table))],
    referring: new Set(rows.map((row) => row.from)),
  };
}

interface IndexTerm {
  name: string | null;
  coll: string;
}

/** A condition is left out: a row that would not stand in the way is looked at in vain, which does no harm. */
function collisions(
  database: Database.Database,
  table: string,
  primary: string[],
  columns: string[],
): Pick<TableShape, 'guarded' | 'collisions'> {
  const indexes = database
    .prepare<[string], { name: string; partial: bigint; sql: string | null }>(
      `SELECT l.name, l.partial, s.sql FROM pragma_index_list(?) AS l
       LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = l.name WHERE l."unique" = 1 ORDER BY l.name`,
    )
    .all(table);
  const terms = database.prepare<[string], IndexTerm>(
    'SELECT name, coll FROM pragma_index_xinfo(?) WHERE "key" = 1 ORDER BY seqno',
  );
  const found = indexes.map(({ name, partial, sql }) => {
    const parts = terms.all(name);
    const texts = termTexts(sql ?? '');
    const expressions = parts.map((part, at) => (part.name === null ? (texts[at] ?? 'NULL') : '')).join(' ');
    const spoken = `${expressions} ${partial === 1n ? (sql ?? '') : ''}`.toLowerCase();
    return {
      special: partial === 1n || parts.some((part) => part.name === null),
      columns: columns.filter(
        (column) => parts.some((part) => part.name === column) || spoken.includes(column.toLowerCase()),
      ),
      condition: parts.map((part, at) => standsInTheWay(part, texts[at] ?? 'NULL', columns)).join(' AND '),
    };
  });
  const ofKey = primary.map((column) => `${quoted(column)} = NEW.${quoted(column)}`).join(' AND ');
  const rowId = primary.length === 0 ? [] : [{ columns: primary, condition: ofKey }];
  return {
    guarded: found.filter(({ special }) => special).map((index) => index.columns),
    collisions: [...rowId, ...found.map((index) => ({ columns: index.columns, condition: index.condition }))],
  };
}

function standsInTheWay({ name, coll }: IndexTerm, text: string, columns: string[]): string {
  if (name !== null) return `${quoted(name)} = NEW.${quoted(name)} COLLATE ${quoted(coll)}`;
  const row = columns.map((column) => `NEW.${quoted(column)} AS ${quoted(column)}`).join(', ');
  return `(${text}) = (SELECT ${text} FROM (SELECT ${row}))`;
}

/** The terms of `CREATE INDEX … (a, lower(b), c)`, cut at the commas that stand in no parentheses and no quotes. */
function termTexts(sql: string): string[] {
  const terms = [''];
  let depth = 0;
  const list = sql.slice(sql.search(/\(/));
  for (const [token] of list.matchAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[\s\S]/g)) {
    if (token === ')') depth -= 1;
    if (depth === 0 && token === ')') break;
    if (token === ',' && depth === 1) terms.push('');
    else if (depth > 0) terms[terms.length - 1] += token;
    if (token === '(') depth += 1;
  }
  return terms.map((term) => term.replace(/\s+(asc|desc)\s*$/i, '').trim());
}

/** Expressions have no column; an index with one is left out, as it cannot be asked for by columns. */
function uniqueIndexes(database: Database.Database, table: string): string[][] {
  const rows = database
    .prepare<[string], { index: string; column: string | null }>(
      `SELECT l.name AS "index", i.name AS column FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i
       WHERE l."unique" = 1 AND l.partial = 0 AND l.origin <> 'pk' ORDER BY l.name, i.seqno`,
    )
    .all(table);
  const indexes = new Map<string, (string | null)[]>();
  for (const { index, column } of rows) indexes.set(index, [...(indexes.get(index) ?? []), column]);
  return [...indexes.values()].filter((names): names is string[] => names.every((name) => name !== null));
}

/** SQLite's rules for what a declared type means (https://www.sqlite.org/datatype3.html, 3.1). */
function affinity(declared: string): Column['type'] {
  const type = declared.toUpperCase();
  if (type.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT/.test(type)) return 'text';
  if (type === '' || type.includes('BLOB')) return type === '' ? 'other' : 'bytes';
  if (/REAL|FLOA|DOUB/.test(type)) return 'real';
  if (/^BOOL/.test(type)) return 'boolean';
  return /^(NUMERIC|DECIMAL|NUMBER)/.test(type) ? 'decimal' : 'other';
}
