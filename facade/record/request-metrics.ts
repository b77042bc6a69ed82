import type { Metric, Registry } from '@prometheus-io/client';
import type { Counted, RouteCounter } from './route-counts.ts';

/** Upper bounds in seconds. */
export const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

const classes = ['none', '1xx', '2xx', '3xx', '4xx', '5xx', '6xx', '7xx', '8xx', '9xx'] as const;

/** The place of a status among the counts of a route: by its first digit; 0 where there was no answer. */
export function classOf(status: number): number {
  return Math.trunc(status / 100);
}

/** The place of a duration among the counts of a route; the last is for what is longer than every bound. */
export function bucketOf(seconds: number): number {
  let bucket = 0;
  while (bucket < buckets.length && seconds > (buckets[bucket] as number)) bucket++;
  return bucket;
}

interface Value {
  readonly metricName?: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

/**
 * Shows what was counted of each request when the metrics are read. Counting in the library's own metrics would
 * look their labels up several times for each request.
 */
export function registerRequestMetrics(registry: Registry, counter: RouteCounter): void {
  register(registry, {
    name: 'strangler_requests_total',
    help: 'Requests answered, by route, backend and status class; backend "facade" where the facade answered itself.',
    type: 'counter',
    values: () => counted(counter, requestsOf),
  });
  register(registry, {
    name: 'strangler_request_seconds',
    help: "Time from a request's head to the end of its answer.",
    type: 'histogram',
    values: () => counted(counter, secondsOf),
  });
}

interface Shown {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'histogram';
  readonly values: () => Value[];
}

/** The registry asks a metric for no more than this, which its types do not say. */
function register(registry: Registry, { name, help, type, values }: Shown): void {
  const metric = { name, help, type, get: async () => ({ name, help, type, values: values() }) };
  registry.registerMetric(metric as unknown as Metric<string>);
}

function counted(
  counter: RouteCounter,
  valuesOf: (labels: { route: string; backend: string }, of: Counted) => Value[],
): Value[] {
  return [...counter.all()].flatMap(([route, backend, of]) => valuesOf({ route, backend }, of));
}

function requestsOf(labels: { route: string; backend: string }, { statuses }: Counted): Value[] {
  return classes.flatMap((status, place) => {
    const value = statuses[place] as number;
    return value === 0 ? [] : [{ labels: { ...labels, status }, value }];
  });
}

function secondsOf(labels: { route: string; backend: string }, { durations, seconds }: Counted): Value[] {
  let sum = 0;
  const cumulative = [...buckets, '+Inf'].map((bound, place) => {
    sum += durations[place] as number;
    const metricName = 'strangler_request_seconds_bucket';
    return { metricName, labels: { le: String(bound), ...labels }, value: sum };
  });
  return [
    ...cumulative,
    { metricName: 'strangler_request_seconds_sum', labels, value: seconds },
    { metricName: 'strangler_request_seconds_count', labels, value: sum },
  ];
}
