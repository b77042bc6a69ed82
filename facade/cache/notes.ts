import type { Route } from '../routes/model.ts';

/** What a route keeps, a line each. */
export function cacheNotes({ cache }: Route): string[] {
  if (cache === undefined) return [];
  if (cache.kind === 'invalidates') return ['what is kept for the same target is dropped after a write'];
  const { answer, fresh } = cache;
  const silent = fresh > 0 ? `, for ${fresh} s where it says nothing` : '';
  return [`answers of at most ${answer} bytes are kept as long as they allow it${silent}`];
}
