import type { Limit } from '../check/limits.ts';
import { copy, type Field, integer, money, utcTime, values } from '../mapping/fields.ts';
import { epochOf } from '../mapping/times.ts';
import type { Store } from '../stores/store.ts';
import { shownValue, type Value } from '../stores/value.ts';
import { fewValues, someValues } from './introspection.ts';
import { wordsOf } from './words.ts';

/** A field, and what a person should look at. */
export interface GuessedField {
  field: Field;
  notes: string[];
}

/** More different values than this are no list of states. */
const mostStates = 12;

/** What kind of value a column keeps, as far as its type and name tell. */
export type Sense = 'time' | 'money' | 'whole' | 'text' | 'decimal' | 'bytes' | 'other';

export function senseOf({ type, declared, column }: Limit): Sense {
  if (/^(timestamp|datetime)/i.test(declared)) return 'time';
  const words = wordsOf(column);
  const last = words.at(-1)!;
  const timed = ['at', 'ms', 'timestamp', 'datetime'].includes(last) || (last === 'date' && type !== 'other');
  if (timed && (type === 'integer' || type === 'text')) return 'time';
  if (type === 'integer' && last === 'cent') return 'money';
  if (type === 'integer' || type === 'boolean') return 'whole';
  if (type === 'decimal' || type === 'real') return 'decimal';
  return type === 'text' || type === 'bytes' ? type : 'other';
}

/** Whether a field can be made of two columns at all. */
export function canBe(from: Limit, to: Limit): boolean {
  const [left, right] = [senseOf(from), senseOf(to)];
  if (left === 'time' || right === 'time') {
    return left === right && (from.type !== 'integer' || to.type === 'integer') && !withZone(from);
  }
  if (left === 'decimal') return right === 'money' || right === 'decimal' || right === 'whole';
  // Cents in a column of whole amounts would be a hundred times as much.
  if (left === 'money') return right === 'money' || right === 'whole';
  if (left === 'whole') return right === 'whole' || right === 'decimal';
  if (left === 'text') return right === 'text' || right === 'whole';
  if (left === 'bytes') return right === 'bytes';
  return from.declared === to.declared;
}

/** PostgreSQL shows such a time with its zone, and no field reads that. */
export function withZone({ declared }: Limit): boolean {
  return /with time zone/.test(declared);
}

/** The field between two columns that can be one. */
export async function guessField(
  legacy: Store,
  table: string,
  from: Limit,
  to: Limit,
): Promise<GuessedField> {
  const [left, right] = [senseOf(from), senseOf(to)];
  const [a, b] = [from.column, to.column];
  if (left === 'time' && from.type !== 'integer' && to.type === 'integer')
    return timeField(legacy, table, from, to);
  if (left === 'decimal' && (right === 'money' || right === 'whole')) {
    const decimals = right === 'money' ? 2 : (from.digits?.[1] ?? 2);
    const scale = from.digits?.[1];
    const options = decimals === 2 ? {} : { decimals };
    const notes =
      scale !== undefined && scale > decimals
        ? [`Unsure: ${a} is ${from.declared}, and amounts of more than ${decimals} decimals stop the group.`]
        : right === 'whole'
          ? [`Unsure: takes ${b} for a whole number of ${a}'s smallest unit.`]
          : [];
    return { field: money(a, b, options), notes };
  }
  if (left === 'text' && right === 'whole') {
    return { field: integer(a, b), notes: [`Unsure: ${a} is text, and has to hold whole numbers only.`] };
  }
  if (left === 'text' && right === 'text' && isState(a) && isState(b)) return stateField(legacy, table, a, b);
  return { field: copy(a, b), notes: [] };
}

function isState(column: string): boolean {
  return wordsOf(column).some((word) => ['status', 'state', 'kind'].includes(word));
}

async function timeField(legacy: Store, table: string, from: Limit, to: Limit): Promise<GuessedField> {
  const sample = await someValues(legacy, table, from.column);
  const [a, b] = [from.column, to.column];
  const fraction = sample.some((value) => /\.\d*[1-9]/.test(String(value)));
  const precision = fraction || (from.fraction ?? 0) > 0 ? { precision: 'milliseconds' as const } : {};
  const notes: string[] = [];
  const strange = sample.find((value) => !isTime(value));
  if (strange !== undefined)
    notes.push(`Unsure: ${shownValue(strange)} is no time of the form YYYY-MM-DD HH:MM:SS.`);
  if ((from.fraction ?? 0) > 3)
    notes.push(`Unsure: ${a} is ${from.declared}; times finer than a millisecond stop the group.`);
  return { field: utcTime(a, b, precision), notes };
}

function isTime(value: Value): boolean {
  try {
    epochOf(value);
    return true;
  } catch {
    return false;
  }
}

async function stateField(legacy: Store, table: string, from: string, to: string): Promise<GuessedField> {
  const found = await fewValues(legacy, table, from, mostStates);
  if (found === undefined) {
    return {
      field: copy(from, to),
      notes: [`Unsure: ${from} has more than ${mostStates} values, so it is copied as it is.`],
    };
  }
  if (found.length === 0) {
    const notes = [
      `Unsure: there are no rows to read the values of ${from} from. List them: values('…', '…', { … }).`,
    ];
    return { field: copy(from, to), notes };
  }
  const asTheyAre = Object.fromEntries(found.map((value) => [String(value), String(value)]));
  return {
    field: values(from, to, asTheyAre),
    notes: [
      "Unsure: these are the values that the rows have today, each as the service's value of the same name.",
    ],
  };
}
