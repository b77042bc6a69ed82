import type { Route } from './model.ts';
import { pathText } from './path-pattern.ts';
import { compareHost, placeKey } from './precedence.ts';
import type { Report } from './report.ts';
import { Rivals } from './rivals.ts';
import type { Steps } from './slices.ts';

/** Reports routes of which no rule says which one answers, and routes that can never answer. */
export function* checkConflicts(routes: readonly Route[], report: Report): Steps<void> {
  const byPlace = new Map<string, Route[]>();
  for (const route of routes) {
    yield;
    const key = placeKey(route.match);
    const others = byPlace.get(key);
    if (others === undefined) byPlace.set(key, [route]);
    else others.push(route);
  }
  for (const rivals of byPlace.values()) if (rivals.length > 1) yield* checkRivals(rivals, report);
  checkPrefixesBehindRegex(routes, report);
}

/** Routes with the same host and path. */
function* checkRivals(rivals: readonly Route[], report: Report): Steps<void> {
  const ordered = rivals.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  const all = new Rivals();
  for (const route of ordered) all.add(route);
  const earlier = new Rivals();
  for (const route of ordered) {
    yield;
    const tied = earlier.tiedWith(route.match);
    earlier.add(route);
    if (tied !== undefined) {
      report.problem(
        'tied_routes',
        route.at,
        `Route "${route.name}" and route "${tied.name}" (line ${tied.at.line}) match the same requests equally well.`,
        'Remove one, or give one a more specific match.',
      );
      continue;
    }
    const winners = all.alwaysBefore(route.match);
    if (winners !== undefined) reportUnreachable(route, winners, report);
  }
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
