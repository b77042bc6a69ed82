/** How fast the first copy may go, so that whoever else uses the source does not suffer. */
export interface Throttle {
  /** Rows a second, at most; undefined for as fast as it goes. */
  rowsPerSecond: number | undefined;
  /** Where a chunk took longer to read than this, in milliseconds, the source gets twice that time for itself. */
  sourceLatency: number;
}

/** How long to wait after a step of the copy, in milliseconds. */
export function throttlePause(
  { rowsPerSecond, sourceLatency }: Throttle,
  step: { copied: number; sourceMilliseconds: number },
  took: number,
): number {
  const byRate = rowsPerSecond === undefined ? 0 : (step.copied / rowsPerSecond) * 1_000 - took;
  const byLatency = step.sourceMilliseconds > sourceLatency ? 2 * step.sourceMilliseconds : 0;
  return Math.max(0, byRate, byLatency);
}
