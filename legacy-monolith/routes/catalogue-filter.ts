import { isText } from '../input.ts';
import type { CatalogueFilter } from '../models/events.ts';

/** Reads ?category and ?q; what is empty or no plain text counts as not given. */
export function catalogueFilter(query: Record<string, unknown>): CatalogueFilter {
  return { category: givenText(query.category), q: givenText(query.q) };
}

function givenText(value: unknown): string | undefined {
  return isText(value, 100) && value !== '' ? value : undefined;
}
