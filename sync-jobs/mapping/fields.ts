import type { Value } from '../stores/value.ts';

/**
 * How columns of a legacy row and columns of a service's row say the same. Plain data, save for `pair`: what a kind
 * means is said once, for both ways (`two-way.ts`), and checks and messages are derived from it.
 */
export type Field =
  | { kind: 'copy'; from: string; to: string }
  | { kind: 'integer'; from: string; to: string }
  | ({ kind: 'utc-time'; from: string; to: string } & TimeForm)
  | ({ kind: 'local-time'; from: string; to: string; zone: string } & TimeForm)
  | { kind: 'money'; from: string; to: string; decimals: number }
  | {
      kind: 'values';
      from: string;
      to: string;
      values: Record<string, Literal>;
      back: Record<string, string>;
    }
  | { kind: 'split'; from: string; to: [string, string]; separator: string }
  | { kind: 'merge'; from: [string, string]; to: string; separator: string }
  | { kind: 'flags'; from: string[]; to: string; states: Record<string, Record<string, Literal | null>> }
  | { kind: 'constant'; to: string; value: Literal | null }
  | { kind: 'legacy-constant'; from: string; value: Literal | null }
  | { kind: 'one-way'; field: Field; reason: string }
  | ({ kind: 'pair' } & Pair);

export type Literal = string | number;

/**
 * How fine a time is. The service's column counts milliseconds, and the legacy column gets whole seconds or milliseconds;
 * with `microseconds` the service's column counts those, and the legacy column gets all of them.
 */
export type Precision = 'seconds' | 'milliseconds' | 'microseconds';

/** How a time is read and written. */
export interface TimeForm {
  precision: Precision;
  /** What becomes of digits that the service's column does not count: they stop the group, or are cut off. */
  finer: 'refused' | 'cut';
}

/** What may be said of a time field; `seconds` and `refused` unless given. */
export type TimeOptions = Partial<TimeForm>;

/** Two functions, each the other's inverse, for what no kind says. Both throw a RangeError for what they cannot map. */
export interface Pair {
  from: string[];
  to: string[];
  toService(values: Value[]): Value[];
  toLegacy(values: Value[]): Value[];
}

/** The value as it is, under another name where `to` is given. NULL and the empty string stay apart. */
export function copy(from: string, to = from): Field {
  return { kind: 'copy', from, to };
}

/** A whole number that the legacy table keeps as text, boolean or number. Anything else stops the group. */
export function integer(from: string, to = from): Field {
  return { kind: 'integer', from, to };
}

/**
 * A UTC time as text, `YYYY-MM-DD HH:MM:SS` with up to three decimals, as milliseconds since 1970. The legacy column
 * gets whole seconds unless `precision` says that it keeps milliseconds.
 *
 * A time with more decimals, as PostgreSQL's `timestamp DEFAULT now()` has, stops the group, unless it is said what
 * becomes of them. With `precision: 'microseconds'` the service's column counts microseconds since 1970, and nothing is
 * lost either way. With `finer: 'cut'` they are cut off, towards the past also before 1970; they do not come back, so that
 * such a field stands inside `oneWay(…)` or among the references.
 */
export function utcTime(from: string, to = from, options: TimeOptions = {}): Field {
  return { kind: 'utc-time', from, to, ...timeForm(options) };
}

/**
 * As `utcTime`, where the legacy column keeps the local time of a zone ("Europe/Berlin"). An hour that comes twice when
 * clocks go back is read as its first time; one that never came stops the group.
 */
export function localTime(from: string, to: string, options: { zone: string } & TimeOptions): Field {
  return { kind: 'local-time', from, to, zone: options.zone, ...timeForm(options) };
}

function timeForm({ precision = 'seconds', finer = 'refused' }: TimeOptions): TimeForm {
  return { precision, finer };
}

/** A decimal amount as a whole number of its smallest unit: 12.30 is 1230 with two decimals, the default. */
export function money(from: string, to = from, options: { decimals?: number } = {}): Field {
  return { kind: 'money', from, to, decimals: options.decimals ?? 2 };
}

/**
 * One value for another, as listed: `{ legacy: 'service' }`. The table must be one-to-one, and a value that it does
 * not list stops the group. NULL stays NULL. What only the service knows is listed under `back`: `{ service: 'legacy' }`.
 */
export function values(
  from: string,
  to: string,
  table: Record<string, Literal>,
  options: { back?: Record<string, string> } = {},
): Field {
  return { kind: 'values', from, to, values: table, back: options.back ?? {} };
}

/** One text of the legacy side, cut at the first separator into two of the service; without one the second is NULL. */
export function split(from: string, to: [string, string], separator: string): Field {
  return { kind: 'split', from, to, separator };
}

/** Two texts of the legacy side, joined by a separator into one of the service. The first must not hold it. */
export function merge(from: [string, string], to: string, separator: string): Field {
  return { kind: 'merge', from, to, separator };
}

/** Several legacy columns that together say what one of the service says: `{ paid: { is_paid: 1, is_open: 0 }, … }`. */
export function flags(to: string, states: Record<string, Record<string, Literal | null>>): Field {
  return { kind: 'flags', from: Object.keys(Object.values(states)[0] ?? {}), to, states };
}

/** The same value in every row that comes from the legacy database, for columns only the service knows. */
export function constant(to: string, value: Literal | null): Field {
  return { kind: 'constant', to, value };
}

/** The same value in every row that a service makes, for legacy columns that it knows nothing of. */
export function legacyConstant(from: string, value: Literal | null): Field {
  return { kind: 'legacy-constant', from, value };
}

/** A field that is never written back, and why that loses nothing. */
export function oneWay(field: Field, reason: string): Field {
  return { kind: 'one-way', field, reason };
}

/** The way out: two functions, of any columns to any columns. They are checked against the rows, not proven. */
export function pair(functions: Pair): Field {
  return { kind: 'pair', ...functions };
}

/** The legacy columns that a field reads, and writes on the way back. */
export function legacyColumns(field: Field): string[] {
  if (field.kind === 'one-way') return legacyColumns(field.field);
  if (field.kind === 'constant') return [];
  return typeof field.from === 'string' ? [field.from] : field.from;
}

/** The columns of the service's table that a field fills. */
export function serviceColumns(field: Field): string[] {
  if (field.kind === 'one-way') return serviceColumns(field.field);
  if (field.kind === 'legacy-constant') return [];
  return typeof field.to === 'string' ? [field.to] : field.to;
}

/** A field for messages: `num_tickets -> quantity`. */
export function fieldName(field: Field): string {
  const [from, to] = [legacyColumns(field).join('+'), serviceColumns(field).join('+')];
  if (from === '' || from === to) return to;
  return to === '' ? from : `${from} -> ${to}`;
}
