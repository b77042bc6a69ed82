import { Failure } from '@strangler-fig/kernel/failure';
import type { TargetTable } from '../mapping/plan.ts';
import type { Column, Dialect } from '../stores/store.ts';
import { type Row, shownValue, type Value } from '../stores/value.ts';

/**
 * What the target would take, but keep as something else than it was given: a blob in a text column, a decimal that
 * loses digits. What it refuses by itself is not repeated here.
 * @throws Failure `row_rejected`
 */
export function requireRepresentable(
  { table, columns, types }: TargetTable,
  dialect: Dialect,
  row: Row,
): void {
  const changed = dialect === 'postgres' ? changedByPostgres : changedBySqlite;
  for (const [index, value] of row.entries()) {
    if (value === null) continue;
    const reason = changed(value, types[index]!);
    if (reason === undefined) continue;
    throw new Failure(
      'row_rejected',
      `${table}.${columns[index]} cannot hold ${shownValue(value)}: ${reason}.`,
      {
        hint: 'Correct the row, or map the column by a pair of functions.',
      },
    );
  }
}

/** A parameter is sent as text, and bytea reads text as an escaped form of its own. */
function changedByPostgres(value: Value, type: Column['type']): string | undefined {
  if (type === 'bytes') return value instanceof Uint8Array ? undefined : 'it is no blob';
  if (value instanceof Uint8Array) return 'the column does not take blobs';
  return typeof value === 'string' && value.includes('\0') ? 'PostgreSQL has no text with U+0000' : undefined;
}

/** SQLite has no decimals: it makes a number of the text, exact up to fifteen digits. It keeps NaN as NULL. */
function changedBySqlite(value: Value, type: Column['type']): string | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? 'SQLite would keep it as NULL' : undefined;
  if (typeof value !== 'string' || (type !== 'decimal' && type !== 'real')) return undefined;
  const parts = /^[+-]?(\d*)(?:\.(\d*))?$/.exec(value);
  if (parts === null) return undefined;
  const [, whole = '', fraction = ''] = parts;
  const digits = `${whole}${fraction}`.replace(/^0+|0+$/g, '');
  const number = Number(value);
  if (digits.length <= 15 && Number.isFinite(number) && (number !== 0 || digits === '')) return undefined;
  if (/^0*$/.test(fraction) && BigInt.asIntN(64, BigInt(whole)) === BigInt(whole)) return undefined;
  return 'SQLite would round it';
}
