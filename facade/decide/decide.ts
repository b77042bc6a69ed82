import type { Route, RouteTable } from '../routes/model.ts';
import { type Assignment, assign } from './assign.ts';
import { findRoute } from './find.ts';
import { Probe } from './probe.ts';
import type { DecisionRequest } from './request.ts';

/** Who answers a request, and why. */
export interface Decision extends Assignment {
  readonly route: Route;
}

/** Finds the route that answers a request and the backend it is sent to; undefined where no route matches. */
export function decide(table: RouteTable, request: DecisionRequest): Decision | undefined {
  const probe = new Probe(request);
  const route = findRoute(table, probe);
  return route === undefined ? undefined : { route, ...assign(route, probe) };
}
