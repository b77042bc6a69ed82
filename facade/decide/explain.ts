import { askedPath } from '../rewrite/rewrite-path.ts';
import type { Route, RouteTable } from '../routes/model.ts';
import { pathText } from '../routes/path-pattern.ts';
import { type Decision, decide } from './decide.ts';
import { findAll } from './find.ts';
import { notesOn } from './notes.ts';
import { hostMatches, listsMethod, pathMatches, takesMethod, unmetCondition } from './predicates.ts';
import { Probe } from './probe.ts';
import type { DecisionRequest } from './request.ts';
import { whyBefore } from './why-before.ts';

/** Why a request is answered as it is. */
export interface Explanation {
  /** Undefined where no route matches. */
  readonly decision: Decision | undefined;
  /** Path and query that the backend is asked for; undefined where no route matches. */
  readonly asked: string | undefined;
  /** What else becomes of the request and its answer, a line each, for people. */
  readonly notes: readonly string[];
  /** In order of precedence. */
  readonly candidates: readonly Candidate[];
  /** How many routes are left out because their path does not match. */
  readonly omitted: number;
}

/** One route, and how it fared. */
export interface Candidate {
  readonly route: Route;
  /** wins: it answers; outranked: it matches too; no_match: it does not. */
  readonly verdict: 'wins' | 'outranked' | 'no_match';
  /** For people: why it won, what it is less specific than, or what does not match. */
  readonly reason: string;
}

/**
 * Explains a decision with the live matcher's own predicates.
 * @param options.all also list the routes whose path does not match.
 */
export function explain(
  table: RouteTable,
  request: DecisionRequest,
  options: { all?: boolean } = {},
): Explanation {
  const probe = new Probe(request);
  const matching = findAll(table, probe);
  const rank = new Map(matching.map((route, index) => [route, index]));
  const queue = matching.values();
  const judged: Candidate[] = [];
  for (const listed of table.routes) {
    if (!rank.has(listed)) {
      if (options.all || pathMatches(listed.match.path, probe)) judged.push(failed(listed, probe));
      continue;
    }
    // Where the request changes the order of the routes that match it, they change places among themselves.
    const route = queue.next().value ?? listed;
    judged.push(matched(route, matching, rank.get(route) ?? 0, probe));
  }
  const decision = decide(table, request);
  return {
    decision,
    asked: decision && askedPath(decision.route.rewrite, request.target),
    notes: decision === undefined ? [] : notesOn(decision),
    candidates: judged,
    omitted: table.routes.length - judged.length,
  };
}

function matched(route: Route, matching: readonly Route[], rank: number, probe: Probe): Candidate {
  const winner = matching[0]!;
  if (rank > 0) {
    const reason = `matches too, but ${whyBefore(winner, route, probe)}`;
    return { route, verdict: 'outranked', reason };
  }
  const second = matching[1];
  const why = second === undefined ? 'the only route that matches' : whyBefore(winner, second, probe);
  return { route, verdict: 'wins', reason: `${why}${howMethodMatches(route, probe)}` };
}

function howMethodMatches({ match }: Route, probe: Probe): string {
  if (match.methods === undefined || listsMethod(match, probe)) return '';
  return probe.method === 'HEAD'
    ? '; HEAD follows GET'
    : `; a CORS preflight follows the method it asks for, ${probe.follows}`;
}

/** Says the first thing that keeps a route from matching. */
function failed(route: Route, probe: Probe): Candidate {
  return { route, verdict: 'no_match', reason: firstFailure(route, probe) };
}

function firstFailure({ match }: Route, probe: Probe): string {
  if (!hostMatches(match.host, probe.host)) {
    return `host: it wants ${match.host}, the request asks ${probe.host === '' ? 'none' : probe.host}`;
  }
  if (!pathMatches(match.path, probe)) return `path: ${pathText(match.path)} does not match ${probe.path}`;
  if (!takesMethod(match, probe)) return `method: it takes ${match.methods?.join(', ')}, not ${probe.method}`;
  const unmet = unmetCondition(match, probe);
  if (unmet === undefined) throw new Error('The route matches, and was not found.');
  const actual = unmet.actual === undefined ? 'it is absent' : `it is ${JSON.stringify(unmet.actual)}`;
  return `${unmet.part} ${unmet.name}: it wants ${JSON.stringify(unmet.wanted)}, ${actual}`;
}
