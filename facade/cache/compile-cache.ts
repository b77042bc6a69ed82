import { createHash } from 'node:crypto';
import { durationInMilliseconds } from '../routes/duration.ts';
import type { Match, PathElement, PathPattern, Route } from '../routes/model.ts';
import { sizeInBytes } from '../routes/size.ts';
import type { CacheEntry, CacheSettingsEntry } from './schema.ts';

/** What a route does with answers that are kept. */
export type RouteCache =
  | {
      readonly kind: 'keeps';
      /** Bytes of a body that is kept. */
      readonly answer: number;
      /** Seconds for which an answer that says nothing of caching counts as fresh; 0: not at all. */
      readonly fresh: number;
      /** Differs wherever the same backend's answer would be kept in another form. */
      readonly version: string;
    }
  /** It changes what another route keeps. */
  | { readonly kind: 'invalidates' };

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** @param rewrite the entry of the route's `rewrite`: kept is what it makes of an answer. */
export function compileCache(entry: CacheEntry, route: string, rewrite: unknown): RouteCache {
  const version = createHash('sha256')
    .update(JSON.stringify([route, rewrite ?? null, entry]))
    .digest('base64url');
  return Object.freeze({
    kind: 'keeps',
    answer: sizeInBytes(entry.answer ?? '1MiB'),
    fresh: Math.floor(durationInMilliseconds(entry.fresh ?? '0s') / 1000),
    version: version.slice(0, 16),
  });
}

/** Bytes that all kept answers may take. */
export function compileCacheMemory(entry: CacheSettingsEntry | undefined): number {
  return sizeInBytes(entry?.memory ?? '64MiB');
}

/**
 * Marks the routes whose requests may change what another route keeps (RFC 9111, 4.4): those that take other methods
 * than the safe ones, on a path that a route with `cache` may have as well. Others need not look at the cache.
 */
export function withInvalidation(routes: readonly Route[]): readonly Route[] {
  const keeping = routes.filter(({ cache }) => cache !== undefined).map(({ match }) => match.path);
  if (keeping.length === 0) return routes;
  return routes.map((route) => {
    const { match, cache } = route;
    const concerned =
      cache === undefined && mayChange(match) && keeping.some((kept) => mayOverlap(kept, match.path));
    return concerned ? invalidating(route) : route;
  });
}

/** A route that has not changed since the file was last read stays the same object. */
const made = new WeakMap<Route, Route>();

function invalidating(route: Route): Route {
  const before = made.get(route);
  if (before !== undefined) return before;
  const marked = Object.freeze({ ...route, cache: Object.freeze({ kind: 'invalidates' as const }) });
  made.set(route, marked);
  return marked;
}

function mayChange({ methods }: Match): boolean {
  return methods === undefined || methods.some((method) => !safeMethods.has(method));
}

/** Whether one request path can be matched by both; in doubt it can. */
function mayOverlap(a: PathPattern, b: PathPattern): boolean {
  if (a.kind === 'regex' || b.kind === 'regex') return true;
  const shared = Math.min(a.elements.length, b.elements.length);
  for (let index = 0; index < shared; index++) {
    if (!mayEqual(a.elements[index] as PathElement, b.elements[index] as PathElement)) return false;
  }
  if (a.elements.length === b.elements.length) return true;
  const [longer, shorter] = a.elements.length > b.elements.length ? [a, b] : [b, a];
  return shorter.prefix || (shorter.anyEnd && longer.elements.length === shorter.elements.length + 1);
}

function mayEqual(a: PathElement, b: PathElement): boolean {
  if (a.kind === 'parameter' || b.kind === 'parameter') return true;
  return a.text.toLowerCase() === b.text.toLowerCase();
}
