import { literal, quoted } from '../../stores/sql.ts';
import type { Column } from '../../stores/store.ts';
import { type Field, type Literal, legacyColumns, type TimeForm } from '../fields.ts';
import { countedDigits } from '../times.ts';
import type { Columns, InSql } from './in-sql.ts';

/**
 * A field in PostgreSQL's terms; undefined where it has to be left to its functions. Values leave as the text that COPY
 * makes of them, so a literal may be text whatever the column is.
 */
export function inPostgres(field: Field, columns: Columns): InSql | undefined {
  const all = legacyColumns(field);
  const of = columns.legacy(all[0] ?? '');
  const [from = ''] = all.map(quoted);
  switch (field.kind) {
    case 'one-way':
      return inPostgres(field.field, columns);
    case 'copy':
      return copied(from, of, columns.service(field.to));
    case 'integer':
      return whole(from, of);
    case 'utc-time':
      return time(from, of, field);
    case 'money':
      return amount(from, of, field.decimals);
    case 'values':
      return listed(from, of, field.values);
    case 'split':
      return of.type === 'text' ? cut(inBytes(from), field.separator) : undefined;
    case 'merge': {
      const texts = field.from.every((column) => columns.legacy(column).type === 'text');
      const [first, second] = field.from.map((column) => inBytes(quoted(column))) as [string, string];
      return texts ? joined(first, second, field.separator) : undefined;
    }
    case 'flags':
      return states(field.from, field.states, columns);
    case 'constant':
      return { values: [field.value === null ? 'NULL' : literal(String(field.value))], holds: [] };
    default:
      return undefined;
  }
}

/** Text that is compared by its bytes. The cast takes the padding of `character` away. */
function inBytes(from: string): string {
  return `${from}::text COLLATE "C"`;
}

/** Of two types whose texts mean the same. */
function copied(from: string, source: Column, target: Column): InSql | undefined {
  if (source.declared === target.declared) return { values: [from], holds: [] };
  if (source.type !== target.type) return undefined;
  if (source.type === 'integer') return { values: [from], holds: [] };
  return source.type === 'text' ? { values: [inBytes(from)], holds: [] } : undefined;
}

function whole(from: string, { type }: Column): InSql | undefined {
  if (type === 'integer') return { values: [from], holds: [] };
  if (type === 'boolean') return { values: [`${from}::int`], holds: [] };
  if (type === 'decimal') {
    return {
      values: [`${from}::bigint`],
      holds: [`${from} IS NULL OR (scale(${from}) = 0 AND abs(${from}) < 1e18)`],
    };
  }
  if (type !== 'text') return undefined;
  return {
    values: [`${from}::text::bigint`],
    holds: [`${from} IS NULL OR ${inBytes(from)} ~ '^[+-]?[0-9]{1,18}$'`],
  };
}

const timeForm =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]';

/** A day that the calendar does not have fails as a cast: its rows are left to the functions, which say so. */
function time(from: string, { type, declared }: Column, { precision, finer }: TimeForm): InSql | undefined {
  const digits = countedDigits(precision);
  if (declared === 'timestamp without time zone') {
    const exact = digits === 6 || finer === 'cut' ? '' : ` AND date_trunc('milliseconds', ${from}) = ${from}`;
    return {
      values: [counted(from, digits)],
      holds: [`${from} IS NULL OR (${from} >= '0001-01-01' AND ${from} < '10000-01-01'${exact})`],
    };
  }
  if (type !== 'text') return undefined;
  // The cast would round what is finer than a microsecond.
  const most = finer === 'cut' ? 6 : digits;
  return {
    values: [counted(`${from}::text::timestamp`, digits)],
    holds: [`${from} IS NULL OR ${inBytes(from)} ~ '${timeForm}(\\.[0-9]{1,${most}})?$'`],
  };
}

/** Whole seconds and what is behind them apart, which no server rounds. Both lead towards the past, also before 1970. */
function counted(at: string, digits: 3 | 6): string {
  const micros = `extract(microseconds FROM ${at})::bigint % 1000000`;
  const rest = digits === 6 ? micros : `${micros} / 1000`;
  return `(extract(epoch FROM date_trunc('second', ${at}))::bigint * ${10 ** digits} + ${rest})`;
}

function amount(from: string, { type }: Column, decimals: number): InSql | undefined {
  if (decimals > 9) return undefined;
  const units = (decimal: string) => `(${decimal} * ${10 ** decimals})`;
  if (type === 'integer') return { values: [`${units(`${from}::numeric`)}::bigint`], holds: [] };
  if (type === 'decimal') {
    // NaN is more than any number.
    const fits = `${units(from)} = trunc(${units(from)}) AND abs(${from}) < 1e15`;
    return { values: [`${units(from)}::bigint`], holds: [`${from} IS NULL OR (${fits})`] };
  }
  if (type !== 'text') return undefined;
  const fraction = decimals === 0 ? '' : `(\\.[0-9]{1,${decimals}})?`;
  return {
    values: [`${units(`${from}::text::numeric`)}::bigint`],
    holds: [`${from} IS NULL OR ${inBytes(from)} ~ '^[+-]?[0-9]{1,12}${fraction}$'`],
  };
}

/** The text that a value is shown as. */
function keyed(from: string, { type }: Column): string | undefined {
  if (type === 'boolean') return `${from}::int::text COLLATE "C"`;
  return type === 'real' || type === 'bytes' ? undefined : inBytes(from);
}

function listed(from: string, of: Column, table: Record<string, Literal>): InSql | undefined {
  const key = keyed(from, of);
  if (key === undefined) return undefined;
  const cases = Object.entries(table).map(
    ([value, stands]) => `WHEN ${literal(value)} THEN ${literal(String(stands))}`,
  );
  return {
    values: [cases.length === 0 ? 'NULL' : `CASE ${key} ${cases.join(' ')} END`],
    holds: [`${from} IS NULL OR ${key} = ANY (ARRAY[${Object.keys(table).map(literal).join(', ')}]::text[])`],
  };
}

function cut(from: string, separator: string): InSql {
  const at = `strpos(${from}, ${literal(separator)})`;
  return {
    values: [
      `CASE ${at} WHEN 0 THEN ${from} ELSE left(${from}, ${at} - 1) END`,
      `CASE ${at} WHEN 0 THEN NULL ELSE substr(${from}, ${at} + ${[...separator].length}) END`,
    ],
    holds: [],
  };
}

/** The first must not hold the separator, nor end like it begins: it is found again where it was put. */
function joined(first: string, second: string, separator: string): InSql {
  const sign = literal(separator);
  return {
    values: [`${first} || coalesce(${sign} || ${second}, '')`],
    holds: [
      `CASE WHEN ${first} IS NULL THEN ${second} IS NULL
        WHEN ${second} IS NULL THEN strpos(${first}, ${sign}) = 0
        ELSE strpos(${first} || ${sign}, ${sign}) = length(${first}) + 1 END`,
    ],
  };
}

function states(
  from: string[],
  table: Record<string, Record<string, Literal | null>>,
  columns: Columns,
): InSql | undefined {
  const plain = from.every((name) => ['integer', 'boolean', 'text'].includes(columns.legacy(name).type));
  if (!plain) return undefined;
  const conditions = Object.entries(table).map(([state, combination]) => ({
    state: literal(state),
    when: from.map((name) => is(columns.legacy(name), combination[name] ?? null)).join(' AND '),
  }));
  return {
    values: [`CASE ${conditions.map(({ state, when }) => `WHEN ${when} THEN ${state}`).join(' ')} END`],
    holds: [conditions.map(({ when }) => `(${when})`).join(' OR ')],
  };
}

/** The value itself, of its own type: 1 is not '1'. */
function is({ name, type }: Column, value: Literal | null): string {
  const from = quoted(name);
  if (value === null) return `${from} IS NULL`;
  if (type === 'text') return typeof value === 'string' ? `${inBytes(from)} = ${literal(value)}` : 'false';
  if (typeof value === 'string' || !Number.isInteger(value)) return 'false';
  return `${type === 'boolean' ? `${from}::int` : from} = ${value}`;
}
