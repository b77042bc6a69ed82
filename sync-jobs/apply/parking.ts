import type { TargetTable } from '../mapping/plan.ts';
import { quoted } from '../stores/sql.ts';
import type { Dialect, ManyRows } from '../stores/store.ts';
import { matching, oneRowOf, rowsOf } from './row-sets.ts';

/**
 * Two rows of one transaction may have swapped a unique value, which cannot be written one row after the other. So all of
 * them let go of it first. Nobody else sees this: it is over before the commit.
 *
 * A row is its number among the rows to be parked, then its key: the number makes the parked values unlike each other
 * whatever the key is. Undefined where there is nothing to park.
 */
export function parkOf(target: TargetTable, dialect: Dialect): ManyRows | undefined {
  const keys = {
    ...target,
    columns: ['', ...target.key],
    types: ['integer' as const, ...target.types],
    declared: ['bigint', ...target.declared],
  };
  const width = target.key.length + 1;
  const single = oneRowOf(keys, width);
  const set = rowsOf(keys, width);
  const parked = target.parking.flatMap((column) => {
    const value = parkedValue(column, set.value(0), dialect);
    return value === undefined ? [] : [`${quoted(column.column)} = ${value}`];
  });
  if (parked.length === 0) return undefined;
  const update = `UPDATE ${quoted(target.table)} SET ${parked.join(', ')} FROM`;
  return {
    perRow: `${update} ${single.from} WHERE ${matching(target, single, 1)}`,
    perSet: `${update} ${set.from} WHERE ${matching(target, set, 1)}`,
  };
}

type Parked = TargetTable['parking'][number];

/** Whether a column can be let go of. */
export function canPark({ type, nullable, declared }: Omit<Parked, 'column'>): boolean {
  if (nullable) return true;
  if (type === 'boolean') return false;
  return type !== 'other' || declared === '' || declared === 'uuid' || temporal.has(declared);
}

const temporal = new Set(['date', 'timestamp without time zone', 'timestamp with time zone']);

function parkedValue(
  { type, nullable, declared }: Parked,
  number: string,
  dialect: Dialect,
): string | undefined {
  if (nullable) return 'NULL';
  if (type === 'real' || type === 'decimal') return `-1 - ${number}`;
  return dialect === 'postgres' ? onPostgres(type, declared, number) : onSqlite(type, number);
}

function onSqlite(type: Parked['type'], number: string): string | undefined {
  if (type === 'integer') return `-4611686018427387904 + ${number}`;
  if (type === 'bytes') return `CAST('strangler:' || ${number} AS BLOB)`;
  return type === 'boolean' ? undefined : `'strangler:' || ${number}`;
}

const least: Record<string, string> = {
  smallint: '-32768',
  integer: '-2147483648',
  bigint: '(-9223372036854775808)',
};

function onPostgres(type: Parked['type'], declared: string, number: string): string | undefined {
  // A character of Unicode's private use for the first 65,000: the column may be as short as one.
  if (type === 'text') {
    const far = `CASE WHEN ${number} < 65000 THEN '' ELSE chr((983040 + ${number} / 65000)::int) END`;
    return `chr((983040 + ${number} % 65000)::int) || ${far}`;
  }
  if (type === 'integer') return `${least[declared] ?? '0'}::bigint + ${number}`;
  if (type === 'bytes') return `decode('737472616e676c65723a' || lpad(to_hex(${number}), 16, '0'), 'hex')`;
  if (declared === 'uuid') return `lpad(to_hex(${number}), 32, '0')::uuid`;
  if (declared === 'date') return `'4713-01-01 BC'::date + ${number}::int`;
  if (temporal.has(declared)) return `'4713-01-01 BC'::${declared} + ${number} * interval '1 second'`;
  return undefined;
}
