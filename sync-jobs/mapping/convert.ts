import { Failure } from '@strangler-fig/kernel/failure';
import type { Value } from '../stores/store.ts';
import type { Field } from './fields.ts';

/** What a field makes of a legacy value (undefined for a constant). Throws a RangeError that says why not. */
export function convert(field: Field, value: Value | undefined): Value {
  if (field.kind === 'constant') return literal(field.value);
  if (value === null || value === undefined) return null;
  switch (field.kind) {
    case 'copy':
      return value;
    case 'integer':
      return toInteger(value);
    case 'utc-time':
      return toEpochMilliseconds(value);
    case 'values':
      return toListed(field.values, value);
  }
}

/** A declared literal as the stores give it back: whole numbers are bigint there. */
export function literal(value: string | number | null): Value {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}

/** The failure that names the row and the field; the group stops there until the row or the mapping is mended. */
export function unmappable(
  where: { group: string; table: string; key: Value },
  field: Field,
  error: RangeError,
): Failure {
  return new Failure(
    'row_unmappable',
    `${where.group}: row ${shown(where.key)} of ${where.table} cannot be mapped to ${field.to}: ${error.message}.`,
    { hint: `Correct the row, or the field ${field.to} in the group's declaration.`, cause: error },
  );
}

function toInteger(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^[+-]?\d{1,19}$/.test(value)) return BigInt(value.replace('+', ''));
  throw new RangeError(`${shown(value)} is not a whole number`);
}

const timeForm = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?$/;

function toEpochMilliseconds(value: Value): bigint {
  const parts = typeof value === 'string' ? timeForm.exec(value) : null;
  if (parts === null) {
    throw new RangeError(`${shown(value)} is not a UTC time of the form YYYY-MM-DD HH:MM:SS[.mmm]`);
  }
  const [, year, month, day, hour, minute, second, fraction = ''] = parts;
  const date = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const milliseconds = Date.parse(`${date}Z`);
  // Date.parse rolls 30 February over into March; a date that does not come back as it went in is none.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 19) !== date) {
    throw new RangeError(`${shown(value)} is not a date of the calendar`);
  }
  return BigInt(milliseconds) + BigInt(fraction.padEnd(3, '0'));
}

function toListed(table: Record<string, string | number>, value: Value): Value {
  const key = String(value);
  const found = Object.hasOwn(table, key) ? table[key] : undefined;
  if (found === undefined) throw new RangeError(`${shown(value)} is not in the value table`);
  return literal(found);
}

function shown(value: Value): string {
  if (value instanceof Uint8Array) return `a blob of ${value.length} bytes`;
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
