import type { Limit } from '../check/limits.ts';
import {
  copy,
  type Field,
  integer,
  money,
  oneWay,
  type TimeForm,
  type TimeOptions,
  utcTime,
  values,
} from '../mapping/fields.ts';
import { countOf } from '../mapping/times.ts';
import type { Store } from '../stores/store.ts';
import { shownValue, type Value } from '../stores/value.ts';
import { fewValues, someValues } from './introspection.ts';
import { wordsOf } from './words.ts';

/** A field, and what a person should look at. */
export interface GuessedField {
  field: Field;
  notes: string[];
}

/** A table that rows can be read from. */
export interface Place {
  store: Store;
  table: string;
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
  if (from.labels !== undefined) return to.type === 'text' || to.labels !== undefined;
  if (to.labels !== undefined) return from.type === 'text';
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
  legacy: Place,
  service: Place,
  from: Limit,
  to: Limit,
): Promise<GuessedField> {
  const [left, right] = [senseOf(from), senseOf(to)];
  const [a, b] = [from.column, to.column];
  if (left === 'time' && from.type !== 'integer' && to.type === 'integer')
    return timeField(legacy, service, from, to);
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
  if (from.labels !== undefined) return enumField(from, to, from.labels);
  const listed = right === 'text' || to.labels !== undefined;
  if (left === 'text' && listed && isState(a) && isState(b)) return stateField(legacy, a, b);
  return { field: copy(a, b), notes: [] };
}

function isState(column: string): boolean {
  return wordsOf(column).some((word) => ['status', 'state', 'kind'].includes(word));
}

async function timeField(legacy: Place, service: Place, from: Limit, to: Limit): Promise<GuessedField> {
  const sample = await someValues(legacy.store, legacy.table, from.column);
  const [a, b] = [from.column, to.column];
  const digits = (least: number) => sample.some((value) => fractionOf(value).length >= least);
  if ((from.fraction ?? 0) > 3 || digits(4)) {
    const made = (await countsMilliseconds(service, to)) ? cutTime(from, to) : wholeTime(from, to);
    return { ...made, notes: [...strangeTimes(sample, made.form), ...made.notes] };
  }
  const form: TimeOptions =
    digits(1) || (from.fraction ?? 0) > 0 ? { precision: 'milliseconds' } : { precision: 'seconds' };
  return { field: utcTime(a, b, form), notes: strangeTimes(sample, form) };
}

type GuessedTime = GuessedField & { form: TimeOptions };

/** Nothing is lost, as long as the service counts the same. */
function wholeTime({ column: a, declared }: Limit, { column: b }: Limit): GuessedTime {
  const form = { precision: 'microseconds' } as const;
  const note =
    `Unsure: ${a} (${declared}) keeps microseconds, so ${b} has to count microseconds since 1970, not milliseconds. If the ` +
    `service counts milliseconds, write oneWay(utcTime('${a}', '${b}', { finer: 'cut' }), '…'), which writes nothing back.`;
  return { field: utcTime(a, b, form), notes: [note], form };
}

function cutTime({ column: a, declared }: Limit, { column: b }: Limit): GuessedTime {
  const form = { finer: 'cut' } as const;
  const note =
    `Unsure: ${a} (${declared}) keeps microseconds and ${b} counts milliseconds: the last digits are cut off, and the time is ` +
    `never written back. If the service can count microseconds, write utcTime('${a}', '${b}', { precision: 'microseconds' }).`;
  const reason = 'the service counts milliseconds; what it cuts off would not come back';
  return { field: oneWay(utcTime(a, b, form), reason), notes: [note], form };
}

/** By the column's name, or by the size of what is in it: a count of microseconds has 15 digits and more since 1973. */
async function countsMilliseconds({ store, table }: Place, { column }: Limit): Promise<boolean> {
  if (wordsOf(column).some((word) => ['ms', 'milli', 'millisecond', 'msec'].includes(word))) return true;
  const sample = await someValues(store, table, column);
  return sample.length > 0 && sample.every((value) => Math.abs(Number(value)) < 1e14);
}

/** The digits behind the second, without zeros at their end. */
function fractionOf(value: Value): string {
  return /:\d\d\.(\d*?)0*$/.exec(String(value))?.[1] ?? '';
}

function strangeTimes(sample: Value[], { precision = 'seconds', finer = 'refused' }: TimeOptions): string[] {
  const strange = sample.find((value) => !isTime(value, { precision, finer }));
  return strange === undefined
    ? []
    : [`Unsure: ${shownValue(strange)} is no time of the form YYYY-MM-DD HH:MM:SS.`];
}

function isTime(value: Value, form: TimeForm): boolean {
  try {
    countOf(value, form);
    return true;
  } catch {
    return false;
  }
}

function enumField({ column: a, declared }: Limit, { column: b }: Limit, labels: string[]): GuessedField {
  const note =
    `Unsure: ${a} is the enum ${declared} (${labels.join(', ')}), and is copied as it is. If the service has words of its own, ` +
    `write values('${a}', '${b}', { … }).`;
  return { field: copy(a, b), notes: [note] };
}

async function stateField({ store, table }: Place, from: string, to: string): Promise<GuessedField> {
  const found = await fewValues(store, table, from, mostStates);
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
