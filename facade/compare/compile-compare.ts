import { bytesOfSize, standardBytesKept } from './body-bound.ts';
import type { CompareEntry } from './schema.ts';

/** What a route compares its answers with. */
export interface Compare {
  readonly with: string;
  /** The share of requests that is compared, 0 to 1. */
  readonly sample: number;
  /** Bytes of a body that are kept; longer ones are not compared. */
  readonly bodies: number;
  /** Requests that write are sent to both sides too. */
  readonly writesSafe: boolean;
}

export function compileCompare(entry: CompareEntry): Compare {
  const settings = typeof entry === 'string' ? { with: entry } : entry;
  return Object.freeze({
    with: settings.with,
    sample: settings.sample === undefined ? 1 : Number.parseFloat(settings.sample) / 100,
    bodies: settings.bodies === undefined ? standardBytesKept : bytesOfSize(settings.bodies),
    writesSafe: settings.writesSafe ?? false,
  });
}
