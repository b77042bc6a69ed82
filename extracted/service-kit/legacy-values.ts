const highest = 2_147_483_647;

/**
 * The old application's way to read a number: `parseInt(String(value), 10)`, so '12abc' is 12, [3, 4] is 3 and
 * undefined is NaN.
 */
export function int(value: unknown): number {
  try {
    return Number.parseInt(String(value), 10);
  } catch {
    return Number.NaN; // {"toString": 1} cannot be written as text
  }
}

/** Whether an id can exist at all in the old database; others simply find nothing there. */
export function isLegacyId(id: number): boolean {
  return id >= 0 && id <= highest;
}

/** `page` and `per_page` of a list as the old application reads them. Both at least 1, per_page at most 100. */
export function legacyPaging(query: { page?: unknown; per_page?: unknown }): {
  page: number;
  perPage: number;
} {
  const page = int(query.page);
  const perPage = int(query.per_page);
  return {
    page: page >= 1 && page <= highest ? page : 1,
    perPage: perPage >= 1 ? Math.min(perPage, 100) : 20,
  };
}

/** Epoch milliseconds -> 'YYYY-MM-DD HH:MM:SS' in UTC. */
export function legacyTimestamp(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** Epoch milliseconds -> ISO with the milliseconds that the old database cannot keep as 000; null stays null. */
export function legacyIso(epochMs: number | null): string | null {
  return epochMs === null ? null : new Date(Math.floor(epochMs / 1000) * 1000).toISOString();
}

/** Whole cents -> '99.00', without a detour through floating point. */
export function decimalMoney(cents: number): string {
  const sign = cents < 0 ? '-' : '';
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
