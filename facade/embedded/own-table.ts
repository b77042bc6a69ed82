import { Failure } from '@strangler-fig/kernel/failure';
import { parseTarget } from '../check/target.ts';
import { prepare } from '../decide/find.ts';
import { parseRoutes } from '../routes/load.ts';
import type { Backend, Route, RouteTable } from '../routes/model.ts';

export interface OwnSettings {
  /** The name by which routes.yaml knows the application. */
  readonly self: string;
  /** As in StranglerOptions. */
  readonly fallback: boolean | undefined;
  /** Who a session belongs to is asked at the application's own endpoint. */
  readonly asksItself: boolean;
}

/**
 * A table as it means to the application in which it is used: what no route takes is the application's, which is
 * never given a rest or kept from its work; services fall back to it; and comparisons are left to the facade.
 * @param before the one in force, which may be alike.
 * @throws Failure `self_unknown`
 */
export function forApplication(table: RouteTable, settings: OwnSettings, before?: RouteTable): RouteTable {
  const { self } = settings;
  const own = table.backends.get(self);
  if (own === undefined) {
    throw new Failure('self_unknown', `${table.file} has no backend "${self}".`, {
      hint: `Say which of its backends this application is: strangler({ self: '…' }), one of ${[...table.backends.keys()].join(', ')}.`,
      exitCode: 2,
    });
  }
  const routes = table.routes.map((route) => {
    return Object.freeze({ ...route, compare: undefined, fallback: fallbackOf(route, settings) });
  });
  const forItself = Object.freeze({
    ...table,
    backends: new Map(table.backends).set(self, unhindered(own)),
    routes: Object.freeze([...questionsToItself(table, settings), ...routes, ...everythingElse(table, self)]),
  });
  prepare(forItself, before);
  return forItself;
}

/** Whatever the service did with a body, the application cannot read it any more: so none is kept. */
function fallbackOf(route: Route, { self, fallback }: OwnSettings): Route['fallback'] {
  if (route.fallback !== undefined) {
    return route.fallback.backend === self ? Object.freeze({ ...route.fallback, body: 0 }) : route.fallback;
  }
  const allowed = fallback ?? !(route.writes && route.group !== undefined);
  if (!allowed) return undefined;
  return Object.freeze({ backend: self, on: [], body: 0, idempotencyKey: false });
}

/** The application carries the load that it has anyway. */
function unhindered(own: Backend): Backend {
  return Object.freeze({
    ...own,
    healthChecks: undefined,
    ejection: { failures: Number.MAX_SAFE_INTEGER, for: 0 },
    retries: undefined,
    breaker: undefined,
    bulkhead: { requests: Number.MAX_SAFE_INTEGER, queue: 0, wait: 0 },
  });
}

/** The question must not be sent on to a service for which it is asked: it would wait for its own answer. */
function questionsToItself(
  { identity, file }: RouteTable,
  { self, asksItself }: OwnSettings,
): readonly Route[] {
  const session = identity?.session;
  if (!asksItself || session === undefined || session.backend !== self) return [];
  return routesOf(file, self, {
    name: 'application-session',
    match: { path: parseTarget(session.path).path, method: 'GET' },
  });
}

/** Comes last, so a route that says the same leaves nothing for it. */
function everythingElse({ file }: RouteTable, self: string): readonly Route[] {
  return routesOf(file, self, { name: 'application', match: { path: '/*' } });
}

function routesOf(file: string, self: string, route: object): readonly Route[] {
  const text = JSON.stringify({
    version: 1,
    backends: { [self]: { url: 'http://127.0.0.1' } },
    routes: [{ ...route, to: self }],
  });
  return parseRoutes(text, file).routes;
}
