import type { Counter } from '@prometheus-io/client';
import type { ComparedRequest, Comparison, Recorder } from './recorder.ts';

/** What is known of one route's comparisons since the facade started. */
export interface ComparisonCounts {
  equal: number;
  different: number;
  failed: number;
  /** A body was too long to be kept. */
  skipped: number;
  /** There was no room. */
  shed: number;
  /** How often each place differed, by `path (kind)`; no values, because they may be personal. */
  places: Record<string, number>;
  lastFailure: string | undefined;
}

/** Distinct places that are kept per route. */
const mostPlaces = 100;

/** Counts in memory, by route; keeps no values. Array positions are counted together. */
export class CountingRecorder implements Recorder {
  readonly #counter: Counter<'route' | 'result'>;
  readonly #routes = new Map<string, ComparisonCounts>();

  /** @param counter the metric that counts along. */
  constructor(counter: Counter<'route' | 'result'>) {
    this.#counter = counter;
  }

  record({ route }: ComparedRequest, comparison: Comparison): void {
    const { result } = comparison;
    this.#counter.inc({ route, result });
    let counts = this.#routes.get(route);
    if (counts === undefined) {
      counts = noComparisons();
      this.#routes.set(route, counts);
    }
    counts[result]++;
    if (result === 'failed') counts.lastFailure = comparison.reason;
    if (result !== 'different') return;
    for (const { path, kind } of comparison.differences) {
      const place = `${path.replace(/\[\d+\]/g, '[*]')} (${kind})`;
      if (place in counts.places || Object.keys(counts.places).length < mostPlaces) {
        counts.places[place] = (counts.places[place] ?? 0) + 1;
      }
    }
  }

  of(route: string): ComparisonCounts {
    return this.#routes.get(route) ?? noComparisons();
  }
}

function noComparisons(): ComparisonCounts {
  return { equal: 0, different: 0, failed: 0, skipped: 0, shed: 0, places: {}, lastFailure: undefined };
}
