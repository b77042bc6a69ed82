import type { Match, PathElement, PathPattern, Route } from './model.ts';

/**
 * Which of two routes that match the same request answers it. The order in the file plays no part.
 *
 * 1. Host: a whole name, then `*.suffix` with more labels first, then any.
 * 2. Path, element by element from the left: literal, literal regardless of case, parameter, `*`.
 *    A regular expression comes after exact and parameter paths and before prefixes; of two the longer one
 *    first, of equally long ones the alphabetically first.
 * 3. Routes with methods before those without, fewer methods first; more headers; more query parameters;
 *    more cookies.
 *
 * Where a prefix beats an exact path from the left (`/api/*` before `/:section/list`), a regular expression
 * that matches too cannot be both after the one and before the other: it is asked when the tree's best match
 * is a prefix (see decide/find.ts), so there the three go regular expression, prefix, exact.
 */
export type ElementPath = Extract<PathPattern, { kind: 'elements' }>;
export type RegexPath = Extract<PathPattern, { kind: 'regex' }>;

/** Negative where `a` is the more specific host, 0 where they are the same. */
export function compareHost(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? 1 : -1;
  const aWild = a.startsWith('*.');
  if (aWild !== b.startsWith('*.')) return aWild ? 1 : -1;
  const labels = b.split('.').length - a.split('.').length;
  return labels !== 0 ? labels : compareText(a, b);
}

/** Negative where `a` is asked first, 0 where both match exactly the same paths. */
export function compareElements(a: ElementPath, b: ElementPath): number {
  const length = Math.max(a.elements.length, b.elements.length) + 1;
  for (let index = 0; index < length; index++) {
    const rank = elementRank(a, index) - elementRank(b, index);
    if (rank !== 0) return rank;
    const text = compareText(literalText(a.elements[index]), literalText(b.elements[index]));
    if (text !== 0) return text;
  }
  return 0;
}

/** What stands at a place of a path: 0 literal, 1 literal regardless of case, 2 parameter, 3 its end, 4 `*`. */
export function elementRank(path: ElementPath, index: number): 0 | 1 | 2 | 3 | 4 {
  const element = path.elements[index];
  if (element === undefined) return path.prefix ? 4 : 3;
  if (element.kind === 'parameter') return 2;
  return foldsCase(path, element.text) ? 1 : 0;
}

/** Whether case makes a difference to a literal: `/123` is the same with and without `caseSensitive`. */
export function foldsCase(path: ElementPath, text: string): boolean {
  return !path.caseSensitive && text !== text.toUpperCase();
}

export function compareRegex(a: RegexPath, b: RegexPath): number {
  return b.source.length - a.source.length || compareText(a.source, b.source);
}

/** Negative where `a` is asked first, of routes with the same host and path. */
export function compareConditions(a: Match, b: Match): number {
  return (
    methodCount(a) - methodCount(b) ||
    b.headers.length - a.headers.length ||
    b.query.length - a.query.length ||
    b.cookies.length - a.cookies.length
  );
}

function methodCount(match: Match): number {
  // Above any list, and finite, so that two of them differ by 0.
  return match.methods?.length ?? 1000;
}

/**
 * Routes from the most to the least specific; those of one host stand together.
 * @param before other routes in this order, mostly with the same names and matches: then there is less to sort.
 */
export function inPrecedence(routes: readonly Route[], before: readonly Route[] = []): Route[] {
  const byHost = Map.groupBy(inOrderOf(before, routes), (route) => route.match.host);
  const hosts = [...byHost.keys()].sort(compareHost);
  return hosts.flatMap((host) => inPathPrecedence(byHost.get(host) ?? []));
}

function inOrderOf(before: readonly Route[], routes: readonly Route[]): readonly Route[] {
  if (before.length === 0) return routes;
  const byName = new Map(routes.map((route) => [route.name, route]));
  const ordered: Route[] = [];
  for (const { name } of before) {
    const route = byName.get(name);
    if (route === undefined) continue;
    ordered.push(route);
    byName.delete(name);
  }
  return [...ordered, ...byName.values()];
}

function inPathPrecedence(routes: readonly Route[]): Route[] {
  const byElements: Route[] = [];
  const byRegex: Route[] = [];
  for (const route of routes) (route.match.path.kind === 'elements' ? byElements : byRegex).push(route);
  byElements.sort((a, b) => compareSpecificity(a, b));
  byRegex.sort((a, b) => compareSpecificity(a, b));
  const firstPrefix = byElements.findIndex(
    ({ match }) => match.path.kind === 'elements' && match.path.prefix,
  );
  return byElements.toSpliced(firstPrefix === -1 ? byElements.length : firstPrefix, 0, ...byRegex);
}

function compareSpecificity(a: Route, b: Route): number {
  return (
    comparePath(a.match.path, b.match.path) ||
    compareConditions(a.match, b.match) ||
    compareText(a.name, b.name)
  );
}

function comparePath(a: PathPattern, b: PathPattern): number {
  if (a.kind === 'elements' && b.kind === 'elements') return compareElements(a, b);
  if (a.kind === 'regex' && b.kind === 'regex') return compareRegex(a, b);
  return 0;
}

const placeKeys = new WeakMap<Match, string>();

/** Equal for routes that match the same hosts and paths. */
export function placeKey(match: Match): string {
  let key = placeKeys.get(match);
  if (key === undefined) {
    const { host, path } = match;
    key = `${host ?? ''}\0${path.kind === 'regex' ? `regex\0${path.source}` : elementsKey(path)}`;
    placeKeys.set(match, key);
  }
  return key;
}

function elementsKey(path: ElementPath): string {
  const steps = path.elements.map((element, index) => `${elementRank(path, index)}${literalText(element)}`);
  return `${path.prefix ? 'prefix' : 'exact'}\0${steps.join('/')}`;
}

function literalText(element: PathElement | undefined): string {
  return element?.kind === 'literal' ? element.text : '';
}

/** By code unit, the same on every machine, unlike localeCompare. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
