import type { TableShape } from '../stores/store.ts';
import { shownValue, type Value } from '../stores/value.ts';
import { type Field, type Literal, legacyColumns, serviceColumns } from './fields.ts';
import { countOf, localText, utcText } from './times.ts';

/** A field, ready to run either way. The functions throw a RangeError that says why a value cannot be mapped. */
export interface TwoWay {
  legacy: string[];
  service: string[];
  toService(values: Value[]): Value[];
  toLegacy(values: Value[]): Value[];
  /** Nothing is written back: by declaration, or because the legacy side has no column for it. */
  forwardOnly: boolean;
  /** Nothing is read from the legacy side. */
  backOnly: boolean;
}

/** @param legacy the legacy table's shape: what goes back takes the form its columns have. */
export function twoWay(field: Field, legacy: TableShape): TwoWay {
  if (field.kind === 'one-way') return { ...twoWay(field.field, legacy), forwardOnly: true };
  const functions = functionsOf(field, legacy);
  return {
    legacy: legacyColumns(field),
    service: serviceColumns(field),
    ...functions,
    forwardOnly: field.kind === 'constant',
    backOnly: field.kind === 'legacy-constant',
  };
}

type Functions = Pick<TwoWay, 'toService' | 'toLegacy'>;

/** A field of one column on either side; NULL is NULL. */
function single(toService: (value: Value) => Value, toLegacy: (value: Value) => Value): Functions {
  return {
    toService: ([value]) => [value === null || value === undefined ? null : toService(value)],
    toLegacy: ([value]) => [value === null || value === undefined ? null : toLegacy(value)],
  };
}

function functionsOf(field: Exclude<Field, { kind: 'one-way' }>, legacy: TableShape): Functions {
  switch (field.kind) {
    case 'copy':
      return { toService: (values) => values, toLegacy: (values) => values };
    case 'integer':
      return single(toInteger, fromInteger(legacy.columns.get(field.from)?.type));
    case 'utc-time':
      return single(
        (value) => countOf(value, field),
        (value) => utcText(toInteger(value), field.precision),
      );
    case 'local-time':
      return single(
        (value) => countOf(value, field, field.zone),
        (value) => localText(toInteger(value), field.zone, field.precision),
      );
    case 'money':
      return single(
        (value) => toCents(value, field.decimals),
        fromCents(field.decimals, legacy.columns.get(field.from)?.type),
      );
    case 'values':
      return listed(field.values, field.back, legacy.columns.get(field.from)?.type);
    case 'split':
      return cut(field.separator);
    case 'merge': {
      const { toService, toLegacy } = cut(field.separator);
      return { toService: toLegacy, toLegacy: toService };
    }
    case 'flags':
      return states(field.from, field.states);
    case 'constant':
      return { toService: () => [literal(field.value)], toLegacy: () => [] };
    case 'legacy-constant':
      return { toService: () => [], toLegacy: () => [literal(field.value)] };
    case 'pair':
      return field;
  }
}

/** A declared literal as the stores give it back: whole numbers are bigint there. */
export function literal(value: Literal | null): Value {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}

function toInteger(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^[+-]?\d{1,19}$/.test(value)) {
    const whole = BigInt(value.replace('+', ''));
    if (fits(whole)) return whole;
  }
  throw new RangeError(`${shownValue(value)} is not a whole number`);
}

/** No column for whole numbers holds more; a driver may not even take it as a parameter. */
function fits(whole: bigint): boolean {
  return BigInt.asIntN(64, whole) === whole;
}

/** The text that a value is shown as; the bytes of a blob are none. */
function textOf(value: Value | undefined): string {
  if (value instanceof Uint8Array) throw new RangeError(`${shownValue(value)} is not text`);
  return String(value);
}

function fromInteger(type: string | undefined): (value: Value) => Value {
  return (value) => {
    const whole = toInteger(value);
    if (type === 'boolean' && whole !== 0n && whole !== 1n) {
      throw new RangeError(`${whole} is neither 0 nor 1, and the legacy column is a boolean`);
    }
    return type === 'text' || type === 'decimal' ? String(whole) : whole;
  };
}

function toCents(value: Value, decimals: number): bigint {
  const text = typeof value === 'number' ? value.toFixed(decimals) : textOf(value);
  const parts = /^([+-]?)(\d+)(?:\.(\d*?)0*)?$/.exec(text);
  const [, sign, whole, fraction = ''] = parts ?? [];
  // A binary real stands for the decimal nearest to it; one that is far from any is not an amount.
  const exact = typeof value !== 'number' || Math.abs(Number(text) - value) <= Math.abs(value) * 1e-12;
  if (parts === null || fraction.length > decimals || !exact) {
    throw new RangeError(`${shownValue(value)} is not an amount with ${decimals} decimals`);
  }
  const amount = BigInt(`${whole}${fraction.padEnd(decimals, '0')}`);
  const units = sign === '-' ? -amount : amount;
  if (!fits(units)) throw new RangeError(`${shownValue(value)} is too large an amount`);
  return units;
}

function fromCents(decimals: number, type: string | undefined): (value: Value) => Value {
  if (type !== 'integer') return (value) => amountText(toInteger(value), decimals);
  const one = 10n ** BigInt(decimals);
  return (value) => {
    const units = toInteger(value);
    if (units % one === 0n) return units / one;
    throw new RangeError(
      `${amountText(units, decimals)} is no whole number, and the legacy column keeps those`,
    );
  };
}

function amountText(units: bigint, decimals: number): string {
  const digits = String(units < 0n ? -units : units).padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const text = decimals === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return units < 0n ? `-${text}` : text;
}

function listed(
  table: Record<string, Literal>,
  back: Record<string, string>,
  type: string | undefined,
): Functions {
  const forward = new Map(Object.entries(table).map(([from, to]) => [from, literal(to)]));
  const backward = new Map<string, string>([
    ...Object.entries(table).map(([from, to]): [string, string] => [String(to), from]),
    ...Object.entries(back),
  ]);
  return single(
    (value) => {
      const found = forward.get(textOf(value));
      if (found === undefined) throw new RangeError(`${shownValue(value)} is not in the value table`);
      return found;
    },
    (value) => {
      const found = backward.get(textOf(value));
      if (found === undefined) {
        throw new RangeError(`${shownValue(value)} stands for nothing in the value table, nor under back`);
      }
      return type === 'integer' || type === 'boolean' ? toInteger(found) : found;
    },
  );
}

function cut(separator: string): Functions {
  return {
    toService([value]) {
      if (value === null || value === undefined) return [null, null];
      const text = textOf(value);
      const at = text.indexOf(separator);
      return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + separator.length)];
    },
    toLegacy([first, second]) {
      if (first === null || first === undefined) {
        if (second === null || second === undefined) return [null];
        throw new RangeError(`${shownValue(second)} has nothing before it to be joined to`);
      }
      const alone = textOf(first);
      if (alone.includes(separator)) {
        throw new RangeError(`${shownValue(first)} holds the separator ${shownValue(separator)} itself`);
      }
      if (second === null || second === undefined) return [first];
      const head = `${alone}${separator}`;
      // A separator that can overlap itself is found too early: "a-" and "b" joined by "--" would be cut as "a" and "-b".
      if (head.indexOf(separator) < alone.length) {
        throw new RangeError(`${shownValue(first)} ends like the separator ${shownValue(separator)} begins`);
      }
      return [head + textOf(second)];
    },
  };
}

function states(columns: string[], table: Record<string, Record<string, Literal | null>>): Functions {
  const combinations = Object.entries(table).map(([state, combination]) => ({
    state,
    values: columns.map((column) => literal(combination[column] ?? null)),
  }));
  return {
    toService(values) {
      const found = combinations.find((one) => one.values.every((value, index) => value === values[index]));
      if (found === undefined) {
        const shown = columns.map((column, index) => `${column} ${shownValue(values[index])}`).join(', ');
        throw new RangeError(`no state is declared for ${shown}`);
      }
      return [found.state];
    },
    toLegacy([value]) {
      const found = combinations.find(({ state }) => state === value);
      if (found === undefined) throw new RangeError(`${shownValue(value)} is not a declared state`);
      return found.values;
    },
  };
}
