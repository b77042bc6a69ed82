import { quoted, literal as textLiteral } from '../../stores/sql.ts';
import type { Column } from '../../stores/store.ts';
import { type Field, type Literal, legacyColumns, type TimeForm } from '../fields.ts';
import { countedDigits } from '../times.ts';
import type { Columns, InSql } from './in-sql.ts';

/** A field in SQLite's terms; undefined where it has to be left to its functions. */
export function inSqlite(field: Field, columns: Columns): InSql | undefined {
  const [from = ''] = legacyColumns(field).map(quoted);
  switch (field.kind) {
    case 'one-way':
      return inSqlite(field.field, columns);
    case 'copy':
      return copied(from, columns.service(field.to).type);
    case 'integer':
      return { values: [from], holds: [`typeof(${from}) IN ('integer', 'null')`] };
    case 'utc-time':
      return time(from, field);
    case 'money':
      return amount(from, field.decimals);
    case 'values':
      return listed(from, field.values);
    case 'split':
      return cut(from, field.separator);
    case 'merge':
      return joined(quoted(field.from[0]), quoted(field.from[1]), field.separator);
    case 'flags':
      return states(field.from, field.states);
    case 'constant':
      return { values: [literal(field.value)], holds: [] };
    default:
      return undefined;
  }
}

/** A column for numbers makes one of a text that looks like it: not always the one that the text says. */
function copied(from: string, target: Column['type']): InSql {
  const numeric = target === 'decimal' || target === 'real';
  return { values: [from], holds: numeric ? [`typeof(${from}) <> 'text'`] : [] };
}

/**
 * What SQLite shows of the time up to its second is the very text, so it was of the one form, and a date of the calendar.
 * The digits behind it are counted as text, because SQLite rounds them to milliseconds.
 */
function time(from: string, { precision, finer }: TimeForm): InSql {
  const digits = countedDigits(precision);
  const second = `substr(${from}, 1, 19)`;
  const fraction = `substr(${from}, 21)`;
  const rest = `substr(${fraction} || '${'0'.repeat(digits)}', 1, ${digits})`;
  const length = finer === 'cut' ? '>= 21' : `BETWEEN 21 AND ${20 + digits}`;
  const point = `substr(${from}, 20, 1) = '.' COLLATE BINARY`;
  const fine = `length(${from}) ${length} AND ${point} AND ${fraction} NOT GLOB '*[^0-9]*'`;
  const units = 10 ** digits;
  // Nearly every row ends after its seconds, and needs no more than these two.
  const plain = `datetime(${from}) = ${from} COLLATE BINARY`;
  const whole = `unixepoch(${from}) * ${units}`;
  return {
    values: [
      `CASE length(${from}) WHEN 19 THEN ${whole} ELSE unixepoch(${second}) * ${units} + CAST(${rest} AS INTEGER) END`,
    ],
    holds: [
      // A year before 0 would begin with a minus.
      `${from} IS NULL OR (${from} GLOB '[0-9]*' AND (${plain}
        OR (${plainText(from)} AND datetime(${second}) = ${second} COLLATE BINARY AND ${fine})))`,
    ],
  };
}

/** Reals as far as there is no doubt which whole number of units is meant. */
function amount(from: string, decimals: number): InSql | undefined {
  if (decimals > 9) return undefined;
  const units = 10 ** decimals;
  const most = Math.floor(9e18 / units);
  const rounded = `round(${from} * ${units}.0)`;
  const near = `abs(${rounded} / ${units}.0 - ${from}) <= abs(${from}) * 1e-12`;
  return {
    values: [
      `CASE typeof(${from}) WHEN 'integer' THEN ${from} * ${units} ELSE CAST(${rounded} AS INTEGER) END`,
    ],
    holds: [
      `CASE typeof(${from}) WHEN 'null' THEN 1 WHEN 'integer' THEN ${from} BETWEEN -${most} AND ${most}
        WHEN 'real' THEN abs(${from}) < ${1e11 / units} AND ${near} ELSE 0 END`,
    ],
  };
}

function listed(from: string, table: Record<string, Literal>): InSql {
  const key = `CAST(${from} AS TEXT) COLLATE BINARY`;
  const cases = Object.entries(table).map(
    ([value, stands]) => `WHEN ${textLiteral(value)} THEN ${literal(stands)}`,
  );
  return {
    values: [cases.length === 0 ? 'NULL' : `CASE ${key} ${cases.join(' ')} END`],
    holds: [
      `${from} IS NULL OR (typeof(${from}) IN ('integer', 'text') AND ${key} IN (${Object.keys(table).map(textLiteral).join(', ')}))`,
    ],
  };
}

/** SQLite's functions for text end it at U+0000. */
function plainText(from: string): string {
  return `typeof(${from}) IN ('text', 'null') AND coalesce(instr(${from}, char(0)), 0) = 0`;
}

function cut(from: string, separator: string): InSql {
  const at = `instr(${from}, ${textLiteral(separator)})`;
  return {
    values: [
      `CASE ${at} WHEN 0 THEN ${from} ELSE substr(${from}, 1, ${at} - 1) END`,
      `CASE ${at} WHEN 0 THEN NULL ELSE substr(${from}, ${at} + ${[...separator].length}) END`,
    ],
    holds: [plainText(from)],
  };
}

/** The first must not hold the separator, nor end like it begins: it is found again where it was put. */
function joined(first: string, second: string, separator: string): InSql {
  const sign = textLiteral(separator);
  return {
    values: [`${first} || coalesce(${sign} || ${second}, '')`],
    holds: [
      plainText(first),
      plainText(second),
      `CASE WHEN ${first} IS NULL THEN ${second} IS NULL
        WHEN ${second} IS NULL THEN instr(${first}, ${sign}) = 0
        ELSE instr(${first} || ${sign}, ${sign}) = length(${first}) + 1 END`,
    ],
  };
}

function states(columns: string[], table: Record<string, Record<string, Literal | null>>): InSql {
  const conditions = Object.entries(table).map(([state, combination]) => ({
    state: textLiteral(state),
    when: columns.map((column) => is(quoted(column), combination[column] ?? null)).join(' AND '),
  }));
  return {
    values: [`CASE ${conditions.map(({ state, when }) => `WHEN ${when} THEN ${state}`).join(' ')} END`],
    holds: [conditions.map(({ when }) => `(${when})`).join(' OR ')],
  };
}

/** The value itself, of its own type. */
function is(from: string, value: Literal | null): string {
  if (value === null) return `${from} IS NULL`;
  if (typeof value === 'string') {
    return `(typeof(${from}) = 'text' AND ${from} COLLATE BINARY = ${textLiteral(value)})`;
  }
  const type = Number.isInteger(value) ? 'integer' : 'real';
  return `(typeof(${from}) = '${type}' AND ${from} = ${literal(value)})`;
}

function literal(value: Literal | null): string {
  if (value === null) return 'NULL';
  return typeof value === 'string' ? textLiteral(value) : String(value);
}
