/** What one route has done since the facade started, or since its backends last changed. */
export interface RouteCounts {
  requests: number;
  /** Answers of 500 and above, and broken ones. */
  errors: number;
}

/** Counts per route and backend, and since when each route goes where it goes now. */
export class RouteCounter {
  readonly #counts = new Map<string, Map<string, RouteCounts>>();
  readonly #since = new Map<string, { target: string; since: Date }>();

  count(route: string, backend: string, failed: boolean): void {
    let backends = this.#counts.get(route);
    if (backends === undefined) {
      backends = new Map();
      this.#counts.set(route, backends);
    }
    let counts = backends.get(backend);
    if (counts === undefined) {
      counts = { requests: 0, errors: 0 };
      backends.set(backend, counts);
    }
    counts.requests++;
    if (failed) counts.errors++;
  }

  /** Notes where a route goes from now on; keeps the earlier time when that has not changed. */
  goesTo(route: string, target: string, at: Date): void {
    if (this.#since.get(route)?.target !== target) this.#since.set(route, { target, since: at });
  }

  since(route: string): Date | undefined {
    return this.#since.get(route)?.since;
  }

  of(route: string): Record<string, RouteCounts> {
    return Object.fromEntries(this.#counts.get(route) ?? []);
  }
}
