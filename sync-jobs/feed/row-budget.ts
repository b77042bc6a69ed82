import type { Row } from '../stores/value.ts';

/** How much of a database is held at a time, in bytes. */
const mostBytes = 16 << 20;

/** Rows that are read before anything is known of how wide they are. */
const firstRows = 500;

/** How many rows to read at a time, so that wide ones do not fill the memory: it learns from those that were read. */
export class RowBudget {
  readonly #most: number;
  #bytesOfOne: number | undefined;

  /** @param most rows at a time, however narrow they are. */
  constructor(most: number) {
    this.#most = most;
  }

  get rows(): number {
    if (this.#bytesOfOne === undefined) return Math.min(this.#most, firstRows);
    return Math.max(1, Math.min(this.#most, Math.floor(mostBytes / this.#bytesOfOne)));
  }

  /** Rows were read. Wider ones than before count at once, narrower ones bit by bit. */
  saw(rows: readonly Row[]): void {
    if (rows.length === 0) return;
    const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0) / rows.length;
    const known = this.#bytesOfOne ?? bytes;
    this.#bytesOfOne = Math.max(bytes, (known + bytes) / 2);
  }
}

function bytesOf(row: Row): number {
  let bytes = 0;
  for (const value of row) {
    if (typeof value === 'string') bytes += 16 + 2 * value.length;
    else bytes += value instanceof Uint8Array ? 16 + value.length : 16;
  }
  return bytes;
}
