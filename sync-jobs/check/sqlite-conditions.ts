import { Failure } from '@strangler-fig/kernel/failure';
import Database from 'better-sqlite3';
import { quoted } from '../stores/sql.ts';
import type { TableShape } from '../stores/store.ts';
import type { Value } from '../stores/value.ts';

/** A CHECK clause of a table of SQLite. */
export interface Condition {
  expression: string;
  /** The columns that it speaks of. */
  columns: string[];
  /** The table, and those columns as it declares them: a comparison follows their affinity and collation. */
  declared: { table: string; columns: string[] };
}

/** What of a statement has a meaning here; strings, comments, numbers and operators have none. */
interface Token {
  /** `(`, `)` or `,`; an identifier in lower case. */
  text: string;
  /** Written in quotes, so that it is no keyword. */
  quoted: boolean;
  /** Where the next one may begin. */
  end: number;
  at: number;
  /** How many parentheses it stands in. */
  depth: number;
}

const form =
  /x?'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|\[([^\]]*)\]|\d[\w.]*|([\p{L}_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*)|[(),]/giu;

function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (const found of sql.matchAll(form)) {
    const [all, double, back, square, plain] = found;
    const name = plain ?? double?.replaceAll('""', '"') ?? back?.replaceAll('``', '`') ?? square;
    if (name === undefined && !'(),'.includes(all)) continue;
    if (all === ')') depth -= 1;
    const [at, end] = [found.index, found.index + all.length];
    const text = name === undefined ? all : name.toLowerCase();
    tokens.push({ text, quoted: name !== undefined && plain === undefined, at, end, depth });
    if (all === '(') depth += 1;
  }
  return tokens;
}

/** The CHECK clauses of a CREATE TABLE statement, wherever they stand in it. */
export function conditionsOf(table: string, sql: string, { columns }: TableShape): Condition[] {
  const tokens = tokensOf(sql);
  const collations = collationsOf(tokens);
  const conditions: Condition[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const [check, open] = [tokens[index]!, tokens[index + 1]];
    if (check.text !== 'check' || check.quoted || open?.text !== '(') continue;
    const close = tokens.findIndex(
      ({ text, depth }, place) => place > index && text === ')' && depth === open.depth,
    );
    if (close === -1) break;
    const expression = sql.slice(open.end, tokens[close]!.at).trim();
    const names = namesOf(tokens.slice(index + 2, close));
    const spoken = [...columns.values()].filter(({ name }) => names.has(name.toLowerCase()));
    conditions.push({
      expression,
      columns: spoken.map(({ name }) => name),
      declared: {
        table,
        columns: spoken.map(({ name, declared }) => {
          const collation = collations.get(name.toLowerCase());
          const collate = collation === undefined ? '' : ` COLLATE ${quoted(collation)}`;
          return `${quoted(name)} ${affinityOf(declared)}${collate}`;
        }),
      },
    });
    index = close;
  }
  return conditions;
}

/** The names that stand in an expression, without those of functions. */
function namesOf(tokens: Token[]): Set<string> {
  const names = tokens.filter(
    ({ text, quoted }, index) => !'(),'.includes(text) && (quoted || tokens[index + 1]?.text !== '('),
  );
  return new Set(names.map(({ text }) => text));
}

/** What a column's definition says behind COLLATE, by the column's name in lower case. */
function collationsOf(tokens: Token[]): Map<string, string> {
  const collations = new Map<string, string>();
  let column: string | undefined;
  for (const [index, { text, quoted, depth }] of tokens.entries()) {
    const before = tokens[index - 1];
    if (depth === 1 && (before?.text === ',' || (before?.text === '(' && before.depth === 0))) column = text;
    else if (depth === 1 && text === 'collate' && !quoted && column !== undefined) {
      collations.set(column, tokens[index + 1]?.text ?? 'binary');
    }
  }
  return collations;
}

/** A type of the same affinity (https://www.sqlite.org/datatype3.html, 3.1) that is one word. */
function affinityOf(declared: string): string {
  const type = declared.toUpperCase();
  if (type.includes('INT')) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/.test(type)) return 'TEXT';
  if (type === '' || type.includes('BLOB')) return 'BLOB';
  return /REAL|FLOA|DOUB/.test(type) ? 'REAL' : 'NUMERIC';
}

/**
 * Which of some rows break a condition, by their place. Asked in a database in memory, in columns declared like the
 * table's own.
 * @param rows the values of the condition's columns.
 * @throws Failure `store_failed` where the condition cannot be asked here: a function or collation of the application's.
 */
export function breakingCondition({ expression, declared }: Condition, rows: Value[][]): number[] {
  const database = new Database(':memory:');
  try {
    const table = quoted(declared.table);
    database.exec(`CREATE TABLE ${table} (${declared.columns.join(', ')}, strangler_place INTEGER)`);
    const marks = [...declared.columns, ''].map(() => '?').join(', ');
    const insert = database.prepare(`INSERT INTO ${table} VALUES (${marks})`);
    for (const [place, values] of rows.entries()) insert.run(...values, BigInt(place));
    // On a line of its own: the expression may end with a comment.
    const asked = database.prepare<[], number>(
      `SELECT strangler_place FROM ${table} WHERE NOT (${expression}\n) ORDER BY 1`,
    );
    return asked.pluck().all();
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    throw new Failure('store_failed', error.message, { cause: error });
  } finally {
    database.close();
  }
}
