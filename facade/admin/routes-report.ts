import type { ComparisonCounts, CountingRecorder } from '../compare/counting-recorder.ts';
import type { RouteCounter, RouteCounts } from '../record/route-counts.ts';
import type { Route, RouteTable } from '../routes/model.ts';

/** What `/api/routes` answers. */
export interface RoutesReport {
  readonly file: string;
  /** SHA-256 of the file in force. */
  readonly digest: string;
  readonly loadedAt: string;
  /** Why the file as it stands now is not in force; null where it is. */
  readonly invalid: string | null;
  readonly routes: readonly RouteReport[];
}

export interface RouteReport {
  readonly name: string;
  readonly match: string;
  readonly group: string | null;
  readonly writes: boolean;
  /** Backend and weight, for each backend that gets a share. */
  readonly to: Record<string, number>;
  readonly since: string | null;
  readonly backends: Record<string, RouteCounts>;
  /** `sample` is the share of requests that is compared, 0 to 1. */
  readonly compare: (ComparisonCounts & { with: string; sample: number }) | null;
  /** Whether requests are made to fail on purpose. */
  readonly faults: boolean;
}

export function routesReport(
  table: RouteTable,
  invalid: string | undefined,
  counter: RouteCounter,
  recorder: CountingRecorder,
): RoutesReport {
  return {
    file: table.file,
    digest: table.digest,
    loadedAt: table.loadedAt.toISOString(),
    invalid: invalid ?? null,
    routes: table.routes.map((route) => ({
      name: route.name,
      match: matchLine(route),
      group: route.group ?? null,
      writes: route.writes,
      to: Object.fromEntries(route.shares.map((share) => [share.backend, share.weight])),
      since: counter.since(route.name)?.toISOString() ?? null,
      backends: counter.of(route.name),
      compare: comparison(route, recorder),
      faults: route.faults !== undefined,
    })),
  };
}

function comparison(route: Route, recorder: CountingRecorder): RouteReport['compare'] {
  if (route.compare === undefined) return null;
  const { with: other, sample } = route.compare;
  return { with: other, sample, ...recorder.of(route.name) };
}

/** Method, host and path of a route, as one reads them in routes.yaml. */
export function matchLine({ match }: Route): string {
  return [match.methods?.join(','), match.host, match.path.source]
    .filter((part) => part !== undefined)
    .join(' ');
}
