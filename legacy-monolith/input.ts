/** The highest id, page number and count that the database's integers hold. */
const MAX_INTEGER = 2_147_483_647;

/** Reads a whole number as this application always has: '12abc' is 12, nothing readable is NaN. */
export function int(value: unknown): number {
  try {
    return Number.parseInt(String(value), 10);
  } catch {
    return Number.NaN; // {"toString": 1} cannot be written as text
  }
}

/** Reads an id: undefined when no row can have it, so that the database is not asked. */
export function findableId(value: unknown): number | undefined {
  const id = int(value);
  return id >= 0 && id <= MAX_INTEGER ? id : undefined;
}

/** Text of at most `max` characters that both databases can hold (PostgreSQL refuses U+0000). */
export function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length <= max && !value.includes('\0');
}

export interface Paging {
  page: number;
  per_page: number;
}

/** Reads ?page and ?per_page; what is not a number from 1 up counts as not given. 20 a page, at most 100. */
export function paging(query: Record<string, unknown>): Paging {
  const page = int(query.page);
  const perPage = int(query.per_page);
  return {
    page: page >= 1 && page <= MAX_INTEGER ? page : 1,
    per_page: perPage >= 1 ? Math.min(perPage, 100) : 20,
  };
}
