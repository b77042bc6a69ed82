import { byService } from '../mapping/group.ts';
import type { TablePlan } from '../mapping/plan.ts';
import type { Row, Value } from '../stores/store.ts';

/** What has to be done so that the target's rows of a key range follow the source's. */
export interface Comparison {
  /** Rows that are missing at the target or differ there. */
  rows: Row[];
  /** Keys at the target that the source does not have. */
  removals: bigint[];
  /** Rows at the target that bear the service's mark. */
  kept: number;
}

/**
 * Compares one key range.
 * @param source the service's rows as the mapping makes them from legacy rows.
 * @param target rows as they are: key, owned, reference columns, then the mark of who wrote it.
 */
export function compareRange(plan: TablePlan, source: Row[], target: Row[]): Comparison {
  const width = 1 + plan.target.owned.length + plan.target.reference.length;
  const firstReference = 1 + plan.target.owned.length;
  const there = new Map(target.map((row) => [row[0] as bigint, row]));
  const result: Comparison = { rows: [], removals: [], kept: 0 };
  for (const row of source) {
    const old = there.get(row[0] as bigint);
    there.delete(row[0] as bigint);
    const kept = old?.[width] === byService;
    if (kept) result.kept++;
    if (old === undefined || !equal(row, old, kept ? firstReference : 1, width)) result.rows.push(row);
  }
  for (const [key, row] of there) {
    if (row[width] === byService) result.kept++;
    else result.removals.push(key);
  }
  return result;
}

function equal(left: Row, right: Row, from: number, to: number): boolean {
  for (let index = from; index < to; index++) {
    if (!same(left[index]!, right[index]!)) return false;
  }
  return true;
}

function same(left: Value, right: Value): boolean {
  if (left === right) return true;
  return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0;
}
