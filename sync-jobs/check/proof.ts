import type { Field } from '../mapping/fields.ts';
import { literal } from '../mapping/two-way.ts';
import { type Limit, misfit } from './limits.ts';

/** Whether every value that one column can hold is, as it is, a value that the other can hold. */
export function within(source: Limit, target: Limit): boolean {
  if (source.nullable && !target.nullable) return false;
  // A column of SQLite holds what was put into it, whatever was declared; only another one like it surely holds that, too.
  if (source.dialect === 'sqlite') return target.dialect === 'sqlite' && source.type === target.type;
  if (target.dialect === 'sqlite') {
    if (source.type === 'boolean' || source.type === 'integer') return target.type === 'integer';
    return source.type === target.type && (source.type === 'text' || source.type === 'bytes');
  }
  if (source.type === 'boolean' && target.type === 'integer') return true;
  if (source.type !== target.type) return false;
  switch (source.type) {
    case 'integer':
      return target.range![0] <= source.range![0] && source.range![1] <= target.range![1];
    case 'text':
      return target.length === undefined || (source.length !== undefined && source.length <= target.length);
    case 'decimal':
      return target.digits === undefined || wholeWithin(source.digits, target.digits);
    case 'real':
      return source.declared === target.declared || source.declared === 'real';
    case 'boolean':
    case 'bytes':
      return true;
    default:
      return source.declared === target.declared;
  }
}

function wholeWithin(source: Limit['digits'], target: [number, number]): boolean {
  if (source === undefined) return false;
  return source[1] <= target[1] && source[0] - source[1] <= target[0] - target[1];
}

/** What the types alone say of a field's two laws. Whatever is not proven is measured. */
export function proofOf(
  field: Field,
  legacy: Limit[],
  service: Limit[],
): { forward: boolean; back: boolean } {
  if (field.kind === 'one-way') return proofOf(field.field, legacy, service);
  const [from, to] = [legacy[0], service[0]];
  if (field.kind === 'constant')
    return { forward: misfit(literal(field.value), to!) === undefined, back: true };
  if (field.kind === 'legacy-constant')
    return { forward: true, back: misfit(literal(field.value), from!) === undefined };
  if (from === undefined || to === undefined) return { forward: false, back: false };
  if (field.kind === 'copy') return { forward: within(from, to), back: within(to, from) };
  if (field.kind === 'integer') {
    const whole = from.dialect === 'postgres' && (from.type === 'integer' || from.type === 'boolean');
    return { forward: whole && within(from, to), back: whole && from.type === 'integer' && within(to, from) };
  }
  return { forward: false, back: false };
}
