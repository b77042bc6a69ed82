import type { Difference } from '@strangler-fig/kernel/json-diff';

/** How one pair of answers compared. */
export type PairResult =
  | { readonly result: 'equal' | 'shed' }
  | { readonly result: 'different'; readonly differences: readonly Difference[] }
  | { readonly result: 'failed'; readonly reason: string };

/** Where every compared pair goes. */
export interface Recorder {
  record(route: string, pair: PairResult): void;
}

/** What is known of one route's comparisons since the facade started. */
export interface ComparisonCounts {
  equal: number;
  different: number;
  failed: number;
  shed: number;
  /** How often each place differed, by `path (kind)`; no values, because they may be personal. */
  places: Record<string, number>;
  lastFailure: string | undefined;
}

/** Distinct places that are kept per route. */
const mostPlaces = 100;

/** Counts in memory; array positions are counted together. */
export class CountingRecorder implements Recorder {
  readonly #routes = new Map<string, ComparisonCounts>();

  record(route: string, pair: PairResult): void {
    let counts = this.#routes.get(route);
    if (counts === undefined) {
      counts = { equal: 0, different: 0, failed: 0, shed: 0, places: {}, lastFailure: undefined };
      this.#routes.set(route, counts);
    }
    counts[pair.result]++;
    if (pair.result === 'failed') counts.lastFailure = pair.reason;
    if (pair.result !== 'different') return;
    for (const { path, kind } of pair.differences) {
      const place = `${path.replace(/\[\d+\]/g, '[*]')} (${kind})`;
      if (place in counts.places || Object.keys(counts.places).length < mostPlaces) {
        counts.places[place] = (counts.places[place] ?? 0) + 1;
      }
    }
  }

  of(route: string): ComparisonCounts | undefined {
    return this.#routes.get(route);
  }
}
