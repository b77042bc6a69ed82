import type { RouteReport, RoutesReport } from '@strangler-fig/facade/admin/routes-report';
import { Failure } from '@strangler-fig/kernel/failure';
import type { System } from '../start/system.ts';

/** Milliseconds until an edit of routes.yaml must have taken effect. */
const patience = 15_000;

/** What the facade says of a route now. */
export async function routeReport(system: System, name: string): Promise<RouteReport> {
  const answer = await fetch(`${system.adminUrl}/api/routes`, { signal: AbortSignal.timeout(5_000) });
  const report = (await answer.json()) as RoutesReport;
  const route = report.routes.find((one) => one.name === name);
  if (route === undefined) throw new Failure('route_unknown', `The facade has no route ${name}.`);
  return route;
}

/** Asks until what the facade says of a route is as wanted. */
export async function routeWhen(
  system: System,
  name: string,
  wanted: (route: RouteReport) => boolean,
): Promise<RouteReport> {
  const until = Date.now() + patience;
  for (;;) {
    const route = await routeReport(system, name);
    if (wanted(route)) return route;
    if (Date.now() > until)
      throw new Failure('route_late', `Route ${name} is not as edited after ${patience} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether a route's only backend is the one named. */
export function goesTo(backend: string): (route: RouteReport) => boolean {
  return (route) => Object.keys(route.to).join() === backend;
}
