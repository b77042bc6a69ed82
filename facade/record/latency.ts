/** Milliseconds of one slot; the slots together are the time that is looked back on. */
const slotLength = 20_000;
const slots = 4;

/** Buckets an octave: a percentile is off by at most 4.5 %. */
const perOctave = 8;
/** The first bucket ends at 2^-4 ms, the last but one at 2^17 ms, which is two minutes. */
const lowest = -4;
const buckets = (17 - lowest) * perOctave + 2;

/** Percentiles in milliseconds, of the last 60 to 80 seconds. */
export interface Latency {
  readonly requests: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** How long requests took of late, in a fixed 2.7 KB: counts in logarithmic buckets, a set of them for every 20 s. */
export class LatencyWindow {
  readonly #counts = new Uint32Array(slots * buckets);
  /** Which stretch of time each slot holds now. */
  readonly #stretches = new Float64Array(slots).fill(-1);

  /**
   * @param milliseconds how long it took.
   * @param now from performance.now().
   */
  add(milliseconds: number, now: number): void {
    const stretch = Math.floor(now / slotLength);
    const slot = stretch % slots;
    if (this.#stretches[slot] !== stretch) {
      this.#stretches[slot] = stretch;
      this.#counts.fill(0, slot * buckets, (slot + 1) * buckets);
    }
    const at = slot * buckets + bucketOf(milliseconds);
    this.#counts[at] = (this.#counts[at] as number) + 1;
  }

  /** Undefined where there was no request of late. */
  read(now: number): Latency | undefined {
    const oldest = Math.floor(now / slotLength) - slots;
    const sums = new Float64Array(buckets);
    let requests = 0;
    for (const [slot, stretch] of this.#stretches.entries()) {
      if (stretch <= oldest) continue;
      for (let bucket = 0; bucket < buckets; bucket++) {
        const count = this.#counts[slot * buckets + bucket] as number;
        sums[bucket] = (sums[bucket] as number) + count;
        requests += count;
      }
    }
    if (requests === 0) return undefined;
    const percentile = (share: number) => {
      let left = Math.ceil(share * requests);
      const bucket = sums.findIndex((count) => {
        left -= count;
        return left <= 0;
      });
      return middleOf(bucket);
    };
    return { requests, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) };
  }
}

function bucketOf(milliseconds: number): number {
  const bucket = Math.ceil((Math.log2(milliseconds) - lowest) * perOctave);
  // The logarithm of 0 is -Infinity.
  return Math.min(Math.max(bucket, 0), buckets - 1);
}

/** The middle of a bucket by its logarithm, to three digits. */
function middleOf(bucket: number): number {
  return Number((2 ** ((bucket - 0.5) / perOctave + lowest)).toPrecision(3));
}
