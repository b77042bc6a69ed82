import pg from 'pg';
import type { Column } from './store.ts';
import type { Value } from './value.ts';

const integerTypes = new Set([20, 21, 23]);
const floatTypes = new Set([700, 701]);
const booleanType = 16;
const bytesType = 17;
const paddedType = 1042;

/** Values without loss: pg's own parsers round bigint's text to no number and times to milliseconds. */
export function parserOf(type: number, format?: string): (text: string) => Value {
  if (integerTypes.has(type)) return BigInt;
  if (floatTypes.has(type)) return Number;
  if (type === booleanType) return (text) => (text === 't' ? 1n : 0n);
  if (type === bytesType) return pg.types.getTypeParser(bytesType, format === 'binary' ? 'binary' : 'text');
  // Padding is no part of the value, and a cast to text, which the log keeps, is without it.
  if (type === paddedType) return (text) => text.replace(/ +$/, '');
  return (text) => text;
}

/** What a column's values are, by its declared type. */
export function typeClass(type: string): Column['type'] {
  if (['smallint', 'integer', 'bigint'].includes(type)) return 'integer';
  if (['real', 'double precision'].includes(type)) return 'real';
  if (['text', 'character varying', 'bpchar'].includes(type)) return 'text';
  if (type === 'numeric') return 'decimal';
  if (type === 'boolean') return 'boolean';
  return type === 'bytea' ? 'bytes' : 'other';
}

/** A value of the log, where everything is kept as text, as a read of its column would have given it. */
export function fromText(text: string | null, type: Column['type']): Value {
  if (text === null) return null;
  switch (type) {
    case 'integer':
      return BigInt(text);
    case 'real':
      return Number(text);
    case 'boolean':
      return text === 'true' || text === 't' ? 1n : 0n;
    case 'bytes':
      return Buffer.from(text.slice(2), 'hex');
    default:
      return text;
  }
}
