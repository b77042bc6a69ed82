import type { PathPattern, Route, RouteTable } from '../routes/model.ts';
import { atOnce, type Steps } from '../routes/slices.ts';
import { listsMethod, takesFollowed, unmetCondition } from './predicates.ts';
import type { Probe } from './probe.ts';
import { type Choose, RouteTree } from './route-tree.ts';

/** The routes of one host, by their rank: their place in the table, which is in order of precedence. */
interface HostRoutes {
  readonly tree: RouteTree;
  /** Those with the same regular expression together. */
  readonly regexes: number[][];
}

/** What a table's routes are found by. It knows their hosts and paths alone, so tables that agree in them share one. */
interface Index {
  readonly exactHosts: Map<string, HostRoutes>;
  /** By what follows the `*`: `.example.org`. */
  readonly wildHosts: Map<string, HostRoutes>;
  anyHost: HostRoutes | undefined;
}

const indexes = new WeakMap<RouteTable, Index>();

/** The route that answers a request, or undefined where none matches. */
export function findRoute(table: RouteTable, probe: Probe): Route | undefined {
  const { routes } = table;
  return search(table, probe, (ranks) => bestOf(routes, ranks, probe));
}

/** All routes that match a request, in the order in which they would answer it if those before were not there. */
export function findAll(table: RouteTable, probe: Probe): Route[] {
  const { routes } = table;
  const found = new Set<Route>();
  for (;;) {
    const others = (ranks: readonly number[]) =>
      bestOf(
        routes,
        ranks.filter((rank) => !found.has(routes[rank]!)),
        probe,
      );
    const next = search(table, probe, others);
    if (next === undefined) return [...found];
    found.add(next);
  }
}

function search(table: RouteTable, probe: Probe, choose: Choose): Route | undefined {
  const index = indexOf(table);
  const { host } = probe;
  const exact = index.exactHosts.get(host);
  let found = exact && findInHost(table, exact, probe, choose);
  if (found !== undefined) return found;
  if (index.wildHosts.size > 0) {
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const wild = index.wildHosts.get(host.slice(dot));
      found = wild && findInHost(table, wild, probe, choose);
      if (found !== undefined) return found;
    }
  }
  return index.anyHost && findInHost(table, index.anyHost, probe, choose);
}

/**
 * Builds what findRoute searches, so that the first request does not pay for it.
 * @param previous a table that is prepared, and may be alike.
 */
export function prepare(table: RouteTable, previous?: RouteTable): void {
  atOnce(prepareInSteps(table, previous));
}

/** The same, with pauses. */
export function* prepareInSteps(table: RouteTable, previous?: RouteTable): Steps<void> {
  if (indexes.has(table)) return;
  const known = previous && indexes.get(previous);
  const index = known && samePlaces(table, previous) ? known : yield* build(table);
  indexes.set(table, index);
}

function findInHost(
  { routes }: RouteTable,
  { tree, regexes }: HostRoutes,
  probe: Probe,
  choose: Choose,
): Route | undefined {
  const found = tree.search(probe, choose);
  // Regular expressions come after exact and parameter paths and before prefixes.
  if (regexes.length === 0 || (found !== undefined && !isPrefix(found))) return found;
  for (const ranks of regexes) {
    const { path } = routes[ranks[0]!]!.match;
    if (path.kind !== 'regex' || !path.test(probe.path)) continue;
    const chosen = choose(ranks);
    if (chosen !== undefined) return chosen;
  }
  return found;
}

export function isPrefix({ match }: Route): boolean {
  return match.path.kind === 'elements' && match.path.prefix;
}

/**
 * Of routes with the same host and path, in order of precedence, the one that takes the request. Those that
 * list its method come first; a HEAD or a preflight that none lists goes where the method it follows goes.
 */
function bestOf(routes: readonly Route[], ranks: readonly number[], probe: Probe): Route | undefined {
  const { follows } = probe;
  for (const rank of ranks) {
    const route = routes[rank]!;
    const { match } = route;
    const takes = listsMethod(match, probe) || (follows === undefined && match.methods === undefined);
    if (takes && unmetCondition(match, probe) === undefined) return route;
  }
  if (follows === undefined) return undefined;
  for (const rank of ranks) {
    const route = routes[rank]!;
    if (takesFollowed(route.match, follows) && unmetCondition(route.match, probe) === undefined) return route;
  }
  return undefined;
}

function indexOf(table: RouteTable): Index {
  const existing = indexes.get(table);
  if (existing !== undefined) return existing;
  const index = atOnce(build(table));
  indexes.set(table, index);
  return index;
}

function* build({ routes }: RouteTable): Steps<Index> {
  const index: Index = { exactHosts: new Map(), wildHosts: new Map(), anyHost: undefined };
  for (const rank of routes.keys()) {
    addRoute(hostRoutes(index, routes[rank]!.match.host), rank, routes);
    yield;
  }
  return index;
}

/** Whether routes of the same rank have the same host and path. */
function samePlaces(one: RouteTable, other: RouteTable): boolean {
  if (one.routes.length !== other.routes.length) return false;
  return one.routes.every(({ match }, rank) => {
    const before = other.routes[rank]!.match;
    return match === before || (match.host === before.host && samePath(match.path, before.path));
  });
}

function samePath(a: PathPattern, b: PathPattern): boolean {
  if (a.source !== b.source) return false;
  if (a.kind === 'regex' || b.kind === 'regex') return a.kind === b.kind;
  return a.caseSensitive === b.caseSensitive && a.anyEnd === b.anyEnd;
}

function hostRoutes(index: Index, host: string | undefined): HostRoutes {
  if (host === undefined) {
    index.anyHost ??= { tree: new RouteTree(), regexes: [] };
    return index.anyHost;
  }
  const [hosts, key] = host.startsWith('*.') ? [index.wildHosts, host.slice(1)] : [index.exactHosts, host];
  const existing = hosts.get(key) ?? { tree: new RouteTree(), regexes: [] };
  hosts.set(key, existing);
  return existing;
}

function addRoute({ tree, regexes }: HostRoutes, rank: number, routes: readonly Route[]): void {
  const { path } = routes[rank]!.match;
  if (path.kind === 'elements') {
    tree.add(rank, path);
    return;
  }
  const last = regexes.at(-1);
  const before = last && routes[last[0]!]!.match.path;
  if (before?.kind === 'regex' && before.source === path.source) last?.push(rank);
  else regexes.push([rank]);
}
