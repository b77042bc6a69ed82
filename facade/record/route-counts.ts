import { type Latency, LatencyWindow } from './latency.ts';
import { bucketOf, buckets, classOf } from './request-metrics.ts';

/** What one backend has done for one route since the facade started. */
export interface RouteCounts {
  readonly requests: number;
  /** Answers of 500 and above, and broken ones. */
  readonly errors: number;
  /** When it was first asked, ISO 8601. */
  readonly since: string;
  /** Milliseconds to the end of the answer, of the last minute or so; null where there was no request. */
  readonly latency: Latency | null;
}

/** The counts as they are kept. */
export interface Counted {
  requests: number;
  errors: number;
  readonly since: Date;
  readonly latency: LatencyWindow;
  /** By the first digit of the status. */
  readonly statuses: Float64Array;
  /** By the bucket of how long they took. */
  readonly durations: Float64Array;
  /** The sum of how long they took. */
  seconds: number;
}

/** Counts per route and backend, and since when each route goes where it goes now. */
export class RouteCounter {
  readonly #counts = new Map<string, Map<string, Counted>>();
  readonly #since = new Map<string, { target: string; since: Date }>();

  /**
   * @param status 0 where the client got no answer.
   * @param milliseconds how long the request took.
   * @param now from performance.now().
   */
  count(
    route: string,
    backend: string,
    status: number,
    failed: boolean,
    milliseconds: number,
    now: number,
  ): void {
    let backends = this.#counts.get(route);
    if (backends === undefined) {
      backends = new Map();
      this.#counts.set(route, backends);
    }
    let counted = backends.get(backend);
    if (counted === undefined) {
      counted = {
        requests: 0,
        errors: 0,
        since: new Date(),
        latency: new LatencyWindow(),
        statuses: new Float64Array(10),
        durations: new Float64Array(buckets.length + 1),
        seconds: 0,
      };
      backends.set(backend, counted);
    }
    counted.requests++;
    if (failed) counted.errors++;
    counted.latency.add(milliseconds, now);
    const statusClass = classOf(status);
    counted.statuses[statusClass] = (counted.statuses[statusClass] as number) + 1;
    const seconds = milliseconds / 1000;
    const bucket = bucketOf(seconds);
    counted.durations[bucket] = (counted.durations[bucket] as number) + 1;
    counted.seconds += seconds;
  }

  /** Each route and backend with its counts. */
  *all(): IterableIterator<[route: string, backend: string, counted: Counted]> {
    for (const [route, backends] of this.#counts) {
      for (const [backend, counted] of backends) yield [route, backend, counted];
    }
  }

  /** Notes where a route goes from now on; keeps the earlier time when that has not changed. */
  goesTo(route: string, target: string, at: Date): void {
    if (this.#since.get(route)?.target !== target) this.#since.set(route, { target, since: at });
  }

  since(route: string): Date | undefined {
    return this.#since.get(route)?.since;
  }

  of(route: string): Record<string, RouteCounts> {
    const now = performance.now();
    const backends = [...(this.#counts.get(route) ?? [])];
    return Object.fromEntries(
      backends.map(([backend, { requests, errors, since, latency }]) => [
        backend,
        { requests, errors, since: since.toISOString(), latency: latency.read(now) ?? null },
      ]),
    );
  }
}
