import { isDeepStrictEqual } from 'node:util';
import { compileMatch } from './compile-match.ts';
import { compileRoute, type RouteDefaults } from './compile-route.ts';
import { knownRoute, mapping, type PlacedRoute, tolerant } from './entries.ts';
import type { Route } from './model.ts';
import type { Report } from './report.ts';
import { type PathsEntry, parts } from './schema.ts';
import type { Steps } from './slices.ts';
import { spellingOf } from './spelling.ts';

/** What the meaning of a route's entry depends on, besides itself. */
export interface Surroundings {
  readonly paths: PathsEntry | undefined;
  readonly defaults: RouteDefaults;
}

export interface CompiledEntry extends PlacedRoute {
  /** Nothing of the entry was skipped. */
  readonly complete: boolean;
}

/** Routes of entries about which there was nothing to report, with the surroundings that they were compiled in. */
const known = new WeakMap<object, { readonly surroundings: Surroundings; readonly route: Route }>();

/** The surroundings of an earlier compilation, where these are equal to them: then what was compiled still counts. */
export function sameSurroundings(now: Surroundings, before: Surroundings | undefined): Surroundings {
  return before !== undefined && isDeepStrictEqual(now, before) ? before : now;
}

/**
 * Compiles the entries of `routes`, as far as they can be understood. An entry whose value was compiled before in
 * the same surroundings is not compiled again: unchanged entries of a file keep their values.
 */
export function* compileEntries(
  entries: readonly unknown[],
  surroundings: Surroundings,
  report: Report,
): Steps<CompiledEntry[]> {
  const compiled: CompiledEntry[] = [];
  for (const [index, value] of entries.entries()) {
    yield;
    const path = ['routes', index];
    const before = reported(report);
    const found = knownIn(surroundings, value, path, report);
    if (found !== undefined) {
      compiled.push({ route: found, path, complete: true });
      continue;
    }
    const one = compileEntry(value, path, surroundings, report);
    if (one === undefined) continue;
    compiled.push(one);
    if (one.complete && reported(report) === before) {
      known.set(value as object, { surroundings, route: one.route });
    }
  }
  return compiled;
}

function compileEntry(
  value: unknown,
  path: readonly PropertyKey[],
  { paths, defaults }: Surroundings,
  report: Report,
): CompiledEntry | undefined {
  const valid = knownRoute(value);
  const { entry, complete } = valid ? { entry: valid, complete: true } : tolerant(parts.route, value);
  const matchEntry = valid?.match ?? tolerant(parts.match, mapping(value).match).entry;
  const match =
    matchEntry && compileMatch(matchEntry, spellingOf(matchEntry, paths), [...path, 'match'], report);
  if (entry === undefined) return undefined;
  const route = compileRoute(entry, match, path, complete, report, defaults);
  return route && { route, path, complete };
}

function knownIn(
  surroundings: Surroundings,
  value: unknown,
  path: readonly PropertyKey[],
  report: Report,
): Route | undefined {
  const found = typeof value === 'object' && value !== null ? known.get(value) : undefined;
  if (found?.surroundings !== surroundings) return undefined;
  const at = report.source.valueAt(path);
  if (at.line === found.route.at.line && at.column === found.route.at.column) return found.route;
  const route = Object.freeze({ ...found.route, at });
  known.set(value as object, { surroundings, route });
  return route;
}

function reported({ problems, warnings }: Report): number {
  return problems.length + warnings.length;
}
