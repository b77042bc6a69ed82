import type { Match, NamedValue, Route } from './model.ts';
import { pathText } from './path-pattern.ts';
import { compareConditions, compareHost, placeKey } from './precedence.ts';
import type { Report } from './report.ts';

/** Reports routes of which no rule says which one answers, and routes that can never answer. */
export function checkConflicts(routes: readonly Route[], report: Report): void {
  for (const rivals of Map.groupBy(routes, ({ match }) => placeKey(match)).values()) {
    if (rivals.length > 1) checkRivals(rivals, report);
  }
  checkPrefixesBehindRegex(routes, report);
}

/** Routes with the same host and path. */
function checkRivals(rivals: readonly Route[], report: Report): void {
  const ordered = rivals.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  ordered.forEach((route, index) => {
    const tied = ordered.slice(0, index).find((earlier) => tie(earlier.match, route.match));
    if (tied !== undefined) {
      report.problem(
        'tied_routes',
        route.at,
        `Route "${route.name}" and route "${tied.name}" (line ${tied.at.line}) match the same requests equally well.`,
        'Remove one, or give one a more specific match.',
      );
      return;
    }
    const winners = alwaysFirst(route, ordered);
    if (winners !== undefined) reportUnreachable(route, winners, report);
  });
}

function tie(a: Match, b: Match): boolean {
  return compareConditions(a, b) === 0 && methodsOverlap(a, b) && !excludeEachOther(a, b);
}

function methodsOverlap(a: Match, b: Match): boolean {
  if (a.methods === undefined || b.methods === undefined) return a.methods === b.methods;
  return a.methods.some((method) => b.methods?.includes(method));
}

/** No request has two values for one header, query parameter or cookie. */
function excludeEachOther(a: Match, b: Match): boolean {
  const differ = (left: readonly NamedValue[], right: readonly NamedValue[]) =>
    left.some(({ name, value }) => right.some((other) => other.name === name && other.value !== value));
  return differ(a.headers, b.headers) || differ(a.query, b.query) || differ(a.cookies, b.cookies);
}

/** The routes that together take every request of `route` before it; undefined where some request reaches it. */
function alwaysFirst(route: Route, rivals: readonly Route[]): Route[] | undefined {
  if (route.match.methods === undefined) return undefined;
  const winners = new Set<Route>();
  for (const method of route.match.methods) {
    const winner = rivals.find(
      (other) =>
        compareConditions(other.match, route.match) < 0 &&
        other.match.methods?.includes(method) &&
        asksNoMoreThan(other.match, route.match),
    );
    if (winner === undefined) return undefined;
    winners.add(winner);
  }
  return [...winners];
}

/** Whether whatever fulfils `b`'s conditions fulfils `a`'s. */
function asksNoMoreThan(a: Match, b: Match): boolean {
  const within = (left: readonly NamedValue[], right: readonly NamedValue[]) =>
    left.every(({ name, value }) => right.some((other) => other.name === name && other.value === value));
  return within(a.headers, b.headers) && within(a.query, b.query) && within(a.cookies, b.cookies);
}

const everyPath = /^(?:\(\?i\))?\^?\(?(?:\/?\(?\.\*\)?)\)?\$?$/;

/** A regular expression is asked before prefixes: one that matches everything leaves them nothing. */
function checkPrefixesBehindRegex(routes: readonly Route[], report: Report): void {
  const greedy = routes.filter(
    ({ match }) =>
      match.path.kind === 'regex' &&
      everyPath.test(match.path.source) &&
      match.methods === undefined &&
      match.headers.length + match.query.length + match.cookies.length === 0,
  );
  for (const route of routes) {
    const { path, host } = route.match;
    if (path.kind !== 'elements' || !path.prefix) continue;
    const winner = greedy.find((other) => compareHost(other.match.host, host) === 0);
    if (winner !== undefined) reportUnreachable(route, [winner], report);
  }
}

function reportUnreachable(route: Route, winners: readonly Route[], report: Report): void {
  const names = winners.map((winner) => `route "${winner.name}" (line ${winner.at.line})`).join(' and ');
  report.problem(
    'unreachable_route',
    route.at,
    `Route "${route.name}" (${pathText(route.match.path)}) can never answer: ${names} ${winners.length === 1 ? 'takes' : 'take'} all its requests.`,
    'Remove it, or make its match more specific.',
  );
}
