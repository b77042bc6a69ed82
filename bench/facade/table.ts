/** What was measured of one contender, a value a round. */
export interface Measured {
  readonly name: string;
  readonly perSecond: number[];
  /** Milliseconds at a third of its own maximum rate. */
  readonly p99: number[];
  /** The same rate straight to the origin, in the same round. */
  readonly direct: number[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The least and the greatest ratio of one contender to another over the rounds. */
export function spread(one: Measured, other: Measured): [number, number] {
  const ratios = one.perSecond.map((value, round) => value / (other.perSecond[round] ?? Number.NaN));
  return [Math.min(...ratios), Math.max(...ratios)];
}

export function throughputTable(results: readonly Measured[]): string {
  const facade = results.find(({ name }) => name === 'facade');
  const rows = results.map((one) => {
    const [least, most] = facade === undefined ? [Number.NaN, Number.NaN] : spread(facade, one);
    const ratio =
      facade === undefined
        ? Number.NaN
        : median(facade.perSecond.map((value, round) => value / (one.perSecond[round] ?? 0)));
    const added = median(one.p99.map((value, round) => value - (one.direct[round] ?? 0)));
    return [
      one.name,
      String(Math.round(median(one.perSecond))),
      `${ratio.toFixed(2)}x (${least.toFixed(2)}-${most.toFixed(2)})`,
      `${added.toFixed(2)} ms`,
    ];
  });
  return aligned([['', 'requests/s', 'facade divided by it', 'p99 added at a third of its rate'], ...rows]);
}

/** Rows of cells as lines, with columns below each other. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
