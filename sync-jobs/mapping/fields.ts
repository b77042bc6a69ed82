/**
 * How one column of a service's table comes from a legacy row. Plain data, no functions: what a kind means is
 * said once (`convert.ts`), so that checks, messages and later the opposite direction can be derived from it.
 */
export type Field =
  | { kind: 'copy'; from: string; to: string }
  | { kind: 'integer'; from: string; to: string }
  | { kind: 'utc-time'; from: string; to: string }
  | { kind: 'values'; from: string; to: string; values: Record<string, string | number> }
  | { kind: 'constant'; to: string; value: string | number | null };

/** The value as it is, under another name where `to` is given. NULL and the empty string stay apart. */
export function copy(from: string, to = from): Field {
  return { kind: 'copy', from, to };
}

/** A whole number that the legacy table keeps as text, boolean or number. Anything else stops the group. */
export function integer(from: string, to = from): Field {
  return { kind: 'integer', from, to };
}

/** A UTC time as text, `YYYY-MM-DD HH:MM:SS` with up to three decimals, as milliseconds since 1970. */
export function utcTime(from: string, to = from): Field {
  return { kind: 'utc-time', from, to };
}

/**
 * One value for another, as listed: `{ legacy: 'service' }`. The table must be one-to-one, and a legacy value
 * that it does not list stops the group. NULL stays NULL.
 */
export function values(from: string, to: string, table: Record<string, string | number>): Field {
  return { kind: 'values', from, to, values: table };
}

/** The same value in every row that comes from the legacy database, for columns only the service knows. */
export function constant(to: string, value: string | number | null): Field {
  return { kind: 'constant', to, value };
}
