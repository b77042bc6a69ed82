import type { Route, RouteTable } from '../routes/model.ts';
import { listsMethod, takesFollowed, unmetCondition } from './predicates.ts';
import type { Probe } from './probe.ts';
import { RouteTree } from './route-tree.ts';

/** The routes of one host. */
interface HostRoutes {
  readonly tree: RouteTree;
  /** Routes with the same regular expression together, in order of precedence. */
  readonly regexes: Route[][];
}

interface Index {
  readonly exactHosts: Map<string, HostRoutes>;
  /** By what follows the `*`: `.example.org`. */
  readonly wildHosts: Map<string, HostRoutes>;
  anyHost: HostRoutes | undefined;
}

const indexes = new WeakMap<RouteTable, Index>();

/** Takes one of the routes with the same host and path, which are in order of precedence, or none. */
type Choose = (routes: readonly Route[]) => Route | undefined;

/** The route that answers a request, or undefined where none matches. */
export function findRoute(table: RouteTable, probe: Probe): Route | undefined {
  return search(table, probe, (routes) => bestOf(routes, probe));
}

/** All routes that match a request, in the order in which they would answer it if those before were not there. */
export function findAll(table: RouteTable, probe: Probe): Route[] {
  const found = new Set<Route>();
  for (;;) {
    const others = (routes: readonly Route[]) =>
      bestOf(
        routes.filter((route) => !found.has(route)),
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
  let found = exact && findInHost(exact, probe, choose);
  if (found !== undefined) return found;
  if (index.wildHosts.size > 0) {
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const wild = index.wildHosts.get(host.slice(dot));
      found = wild && findInHost(wild, probe, choose);
      if (found !== undefined) return found;
    }
  }
  return index.anyHost && findInHost(index.anyHost, probe, choose);
}

/** Builds what findRoute searches, so that the first request does not pay for it. */
export function prepare(table: RouteTable): void {
  indexOf(table);
}

function findInHost({ tree, regexes }: HostRoutes, probe: Probe, choose: Choose): Route | undefined {
  const found = tree.search(probe, choose);
  // Regular expressions come after exact and parameter paths and before prefixes.
  if (regexes.length === 0 || (found !== undefined && !isPrefix(found))) return found;
  for (const routes of regexes) {
    const { path } = routes[0]!.match;
    if (path.kind !== 'regex' || !path.test(probe.path)) continue;
    const chosen = choose(routes);
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
function bestOf(routes: readonly Route[], probe: Probe): Route | undefined {
  const { follows } = probe;
  for (const route of routes) {
    const { match } = route;
    const takes = listsMethod(match, probe) || (follows === undefined && match.methods === undefined);
    if (takes && unmetCondition(match, probe) === undefined) return route;
  }
  if (follows === undefined) return undefined;
  for (const route of routes) {
    if (takesFollowed(route.match, follows) && unmetCondition(route.match, probe) === undefined) return route;
  }
  return undefined;
}

function indexOf(table: RouteTable): Index {
  const existing = indexes.get(table);
  if (existing !== undefined) return existing;
  const index: Index = { exactHosts: new Map(), wildHosts: new Map(), anyHost: undefined };
  // The table is in order of precedence, and so is every list that is filled from it.
  for (const route of table.routes) addRoute(hostRoutes(index, route.match.host), route);
  indexes.set(table, index);
  return index;
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

function addRoute({ tree, regexes }: HostRoutes, route: Route): void {
  const { path } = route.match;
  if (path.kind === 'elements') {
    tree.add(route, path);
    return;
  }
  const last = regexes.at(-1);
  const lastPath = last?.[0]?.match.path;
  if (last !== undefined && lastPath?.kind === 'regex' && lastPath.source === path.source) last.push(route);
  else regexes.push([route]);
}
