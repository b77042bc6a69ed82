import { quoted } from '../stores/sql.ts';
import type { Dialect, Session, TableShape } from '../stores/store.ts';
import type { Value } from '../stores/value.ts';
import type { Limit } from './limits.ts';
import type { FindingKind } from './report.ts';
import { breakingCondition, type Condition, conditionsOf } from './sqlite-conditions.ts';

/** A condition that a database puts on the rows of a table, and that can be asked of values before they are written. */
export interface Constraint {
  kind: FindingKind;
  /** In SQL, over the columns. True and NULL are well. */
  expression: string;
  columns: string[];
  /** What it says, for people. */
  says: string;
  /** SQLite: the same, to be asked in columns like the table's own; undefined where the database itself is asked. */
  condition?: Condition;
}

/** The values of a row's columns, by name. */
export type Made = Map<string, Value>;

/** The CHECK constraints of a table; on PostgreSQL also that the text of a time, an enum, a uuid and the like is one. */
export async function readConstraints(
  session: Session,
  dialect: Dialect,
  table: string,
  shape: TableShape,
  limits: Map<string, Limit>,
): Promise<Constraint[]> {
  if (dialect === 'sqlite') {
    const [row] = await session.query(
      "SELECT sql FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower(?)",
      [table],
    );
    return conditionsOf(table, String(row?.[0] ?? ''), shape).map((condition) => ({
      ...check(condition.expression, condition.columns),
      condition,
    }));
  }
  const rows = await session.query(
    `SELECT pg_get_expr(k.conbin, k.conrelid), (SELECT json_agg(a.attname)::text FROM pg_attribute a
       WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey))
     FROM pg_constraint k WHERE k.contype = 'c' AND k.conkey IS NOT NULL AND k.conrelid = to_regclass(?) ORDER BY k.conname`,
    [quoted(table)],
  );
  const checks = rows.map(([expression, columns]) => check(String(expression), JSON.parse(String(columns))));
  return [...checks, ...(await inputs(session, limits))];
}

/** Texts that have to be read as another type. Asked for since PostgreSQL 16 only. */
async function inputs(session: Session, limits: Map<string, Limit>): Promise<Constraint[]> {
  const [row] = await session.query("SELECT current_setting('server_version_num')::int");
  if (row?.[0] === undefined || (row[0] as bigint) < 160_000n) return [];
  return [...limits.values()]
    .filter(({ type }) => type === 'other')
    .map(({ column, declared }) => ({
      kind: 'wrong-type',
      expression: `pg_input_is_valid(${quoted(column)}, '${declared.replaceAll("'", "''")}')`,
      columns: [column],
      says: `${column} is ${declared}`,
    }));
}

function check(expression: string, columns: string[]): Constraint {
  return { kind: 'constraint', expression, columns, says: `CHECK (${expression.replaceAll(/\s+/g, ' ')})` };
}

/** Which of the rows break a constraint, by their place. Rows without a value for one of its columns are left out. */
export async function breaking(
  session: Session,
  dialect: Dialect,
  { expression, columns, kind, condition }: Constraint,
  rows: Made[],
  limits: Map<string, Limit>,
): Promise<number[]> {
  const asked = rows.flatMap((row, place) =>
    columns.every((column) => row.has(column)) ? [{ row, place }] : [],
  );
  if (asked.length === 0) return [];
  if (condition !== undefined) {
    const values = asked.map(({ row }) => columns.map((column) => row.get(column)!));
    return breakingCondition(condition, values).map((index) => asked[index]!.place);
  }
  if (dialect === 'sqlite') {
    const values = columns.map((column) => `? AS ${quoted(column)}`).join(', ');
    const sql = `SELECT (${expression}) FROM (SELECT ${values}) AS strangler_rows`;
    const broken: number[] = [];
    for (const { row, place } of asked) {
      const [found] = await session.query(
        sql,
        columns.map((column) => row.get(column)!),
      );
      if (Number(found?.[0] ?? 1) === 0) broken.push(place);
    }
    return broken;
  }
  // What is to be read as another type is still text here.
  const typeOf = (column: string) => (kind === 'wrong-type' ? 'text' : limits.get(column)!.declared);
  const found = await session.query(
    `SELECT strangler_place FROM unnest(${['?::bigint[]', ...columns.map((column) => `?::${typeOf(column)}[]`)].join(', ')})
     AS strangler_rows (${['strangler_place', ...columns.map(quoted)].join(', ')}) WHERE NOT (${expression}) ORDER BY 1`,
    [
      asked.map(({ place }) => BigInt(place)),
      ...columns.map((column) => asked.map(({ row }) => row.get(column)!)),
    ],
  );
  return found.map(([place]) => Number(place));
}
