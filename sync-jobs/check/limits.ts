import { quoted } from '../stores/sql.ts';
import type { Column, Dialect, Session, TableShape } from '../stores/store.ts';
import { shownValue, type Value } from '../stores/value.ts';
import type { FindingKind } from './report.ts';

/** What a column can hold, as far as its declaration says. */
export interface Limit {
  dialect: Dialect;
  column: string;
  type: Column['type'];
  /** With length, precision and scale: `numeric(10,2)`. */
  declared: string;
  nullable: boolean;
  /** Characters, of a text. */
  length?: number;
  /** Least and greatest, of a whole number. */
  range?: [bigint, bigint];
  /** Digits in all and after the point, of a decimal. */
  digits?: [precision: number, scale: number];
  /** Digits after the seconds, of a time. */
  fraction?: number;
  /** The values of an enum, in its order. */
  labels?: string[];
}

const ranges: Record<string, [bigint, bigint]> = {
  smallint: [-(2n ** 15n), 2n ** 15n - 1n],
  integer: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** The limits of a table's columns, by name. */
export async function readLimits(
  session: Session,
  dialect: Dialect,
  table: string,
  shape: TableShape,
): Promise<Map<string, Limit>> {
  const full = dialect === 'postgres' ? await fullTypes(session, table) : new Map<string, FullType>();
  return new Map(
    [...shape.columns.values()].map(({ name, type, declared, nullable }) => {
      const { declared: exact = declared, labels } = full.get(name) ?? {};
      const limit = limitOf(dialect, name, type, exact, nullable);
      return [name, labels === undefined ? limit : { ...limit, labels }];
    }),
  );
}

type FullType = Pick<Limit, 'declared' | 'labels'>;

async function fullTypes(session: Session, table: string): Promise<Map<string, FullType>> {
  const rows = await session.query(
    `SELECT attname, format_type(atttypid, atttypmod),
       (SELECT json_agg(enumlabel ORDER BY enumsortorder)::text FROM pg_enum WHERE enumtypid = atttypid)
     FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped`,
    [quoted(table)],
  );
  return new Map(
    rows.map(([name, type, list]) => {
      const declared = String(type);
      return [String(name), typeof list === 'string' ? { declared, labels: JSON.parse(list) } : { declared }];
    }),
  );
}

function limitOf(
  dialect: Dialect,
  column: string,
  type: Column['type'],
  declared: string,
  nullable: boolean,
): Limit {
  const limit: Limit = { dialect, column, type, declared, nullable };
  // SQLite reads lengths and precisions, and holds to none of them.
  if (dialect === 'sqlite') return limit;
  const [, first, second] = /\((\d+)(?:,(\d+))?\)/.exec(declared) ?? [];
  if (type === 'text' && first !== undefined) limit.length = Number(first);
  if (type === 'decimal' && first !== undefined) limit.digits = [Number(first), Number(second ?? 0)];
  if (declared.startsWith('time')) limit.fraction = Number(first ?? 6);
  const range = ranges[declared];
  if (range !== undefined) limit.range = range;
  return limit;
}

/** Why a column does not hold a value as it is. */
export interface Misfit {
  kind: FindingKind;
  reason: string;
}

/** Why a column would refuse a value or hold another one, or undefined where it holds it. */
export function misfit(value: Value, limit: Limit): Misfit | undefined {
  if (value === null) {
    return limit.nullable ? undefined : { kind: 'null', reason: `${limit.column} is NOT NULL` };
  }
  return limit.dialect === 'postgres' ? onPostgres(value, limit) : onSqlite(value, limit);
}

function onPostgres(value: Exclude<Value, null>, limit: Limit): Misfit | undefined {
  const wrong: Misfit = { kind: 'wrong-type', reason: `${limit.column} is ${limit.declared}` };
  switch (limit.type) {
    case 'integer':
      return typeof value === 'bigint' ? beyond(value, limit) : wrong;
    case 'boolean':
      return value === 0n || value === 1n ? undefined : wrong;
    case 'text':
      return typeof value === 'string' ? longText(value, limit) : wrong;
    case 'decimal':
      return decimalMisfit(value, limit);
    case 'real':
      // Number('') is 0, and PostgreSQL takes no empty text for a number.
      if (value instanceof Uint8Array || String(value).trim() === '' || Number.isNaN(Number(value)))
        return wrong;
      return limit.declared === 'real' && Math.fround(Number(value)) !== Number(value)
        ? { kind: 'rounded', reason: `${limit.column} is real, which has six digits` }
        : undefined;
    case 'bytes':
      return value instanceof Uint8Array ? undefined : wrong;
    case 'other':
      return typeof value === 'string' ? timeMisfit(value, limit) : undefined;
  }
}

/** SQLite takes any value in any column; what counts is whether the column's affinity makes another one of it. */
function onSqlite(value: Exclude<Value, null>, limit: Limit): Misfit | undefined {
  const converts: Misfit = {
    kind: 'wrong-type',
    reason: `${limit.column} is ${limit.declared}, which makes ${typeof value === 'string' ? 'a number' : 'a text'} of it`,
  };
  const number = typeof value === 'string' && /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(value);
  if (limit.type === 'text')
    return typeof value === 'string' || value instanceof Uint8Array ? undefined : converts;
  if (limit.type === 'integer' || limit.type === 'boolean') return number ? converts : undefined;
  if (limit.type === 'decimal' || limit.type === 'real') {
    const digits =
      number || typeof value === 'bigint' ? String(value).replace(/^[+-]?[0.]*|\.|[eE].*$/g, '') : '';
    const exact = typeof value === 'bigint' && limit.type === 'decimal';
    return digits.length > 15 && !exact
      ? { kind: 'rounded', reason: `${limit.column} keeps 15 digits, as SQLite keeps a number` }
      : undefined;
  }
  return undefined;
}

function beyond(value: bigint, { column, declared, range }: Limit): Misfit | undefined {
  if (range === undefined || (value >= range[0] && value <= range[1])) return undefined;
  return {
    kind: 'out-of-range',
    reason: `${column} is ${declared}, which ends at ${range[value < 0n ? 0 : 1]}`,
  };
}

function longText(value: string, { column, declared, length }: Limit): Misfit | undefined {
  if (value.includes('\0'))
    return { kind: 'nul-text', reason: `PostgreSQL's ${declared} cannot hold U+0000` };
  const characters = length === undefined ? 0 : [...value].length;
  if (length === undefined || characters <= length) return undefined;
  return { kind: 'too-long', reason: `${column} is ${declared}, and the text has ${characters} characters` };
}

function decimalMisfit(value: Exclude<Value, null>, { column, declared, digits }: Limit): Misfit | undefined {
  const text = String(value).trim();
  const endless = /^[+-]?inf(inity)?$/i.test(text);
  const held = digitsOf(text);
  if (held === undefined && !endless && !/^nan$/i.test(text)) {
    return { kind: 'wrong-type', reason: `${column} is ${declared}, and ${shownValue(value)} is no number` };
  }
  if (digits === undefined) return undefined;
  const [precision, scale] = digits;
  if (endless || (held !== undefined && held.before > precision - scale)) {
    return {
      kind: 'out-of-range',
      reason: `${column} is ${declared}, with ${precision - scale} digits before the point`,
    };
  }
  return held !== undefined && held.after > scale
    ? { kind: 'rounded', reason: `${column} is ${declared}, with ${scale} digits after the point` }
    : undefined;
}

/** How many digits a decimal has before the point and after it, zeros at its ends left out, an exponent counted in. */
function digitsOf(text: string): { before: number; after: number } | undefined {
  const parts = /^[+-]?(?=\.?\d)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  if (parts === null) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = parts;
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '');
  const point = whole.length - (all.length - digits.length) + Number(exponent);
  const last = digits.replace(/0+$/, '').length;
  return last === 0
    ? { before: 0, after: 0 }
    : { before: Math.max(0, point), after: Math.max(0, last - point) };
}

function timeMisfit(value: string, { column, declared, fraction }: Limit): Misfit | undefined {
  if (fraction === undefined) return undefined;
  const digits = /:\d\d\.(\d*?)0*(?:[+-][\d:]+)?$/.exec(value)?.[1]?.length ?? 0;
  if (digits <= fraction) return undefined;
  return {
    kind: 'time-cut',
    reason: `${column} is ${declared}, and the time has ${digits} digits after the second`,
  };
}
