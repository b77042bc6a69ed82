import { byService } from '../mapping/group.ts';
import type { TablePlan } from '../mapping/plan.ts';
import { type Row, sameValue, shownKey, type Value } from '../stores/value.ts';

/** A row that is not on the follower's side as it has to be. Holds no values: they may be personal. */
export interface Difference {
  /** The owner's table. */
  table: string;
  key: Row;
  shownKey: string;
  /** `missing`: only the owner has it; `extra`: only the follower has it; `different`: in these columns of the follower. */
  kind: 'missing' | 'extra' | 'different';
  columns: string[];
}

/** What of a plan's target is compared. */
export interface Compared {
  plan: TablePlan;
  /** Indexes into the target's columns: from, inclusive, to, exclusive. */
  from: number;
  to: number;
  /** Whether a row that only the follower has counts. */
  extras: boolean;
}

/** The target's columns as they are read for a comparison, the marks of it behind them. */
export function comparedColumns({ target }: TablePlan): { columns: string[]; mark: number; absent: number } {
  const columns = [...target.columns];
  const add = (column: string | undefined) => (column === undefined ? -1 : columns.push(column) - 1);
  return { mark: add(target.writtenBy), absent: add(target.absentWhenSet?.column), columns };
}

/**
 * Compares a row of the owner with the follower's of the same key. What the service has written while the legacy side
 * owns the group is the service's (`kept`): only what follows the legacy side always is compared then.
 */
export function compareRows(
  compared: Compared,
  source: Row | undefined,
  there: Row | undefined,
): { difference: Difference | undefined; kept: boolean } {
  const { plan } = compared;
  const { mark, absent } = comparedColumns(plan);
  const expected = source === undefined ? undefined : plan.convert(source);
  const actual = there !== undefined && absent !== -1 && there[absent] !== null ? undefined : there;
  const key = (source ?? there)!.slice(0, plan.source.key.length);
  const found = (kind: Difference['kind'], columns: string[] = []): Difference => ({
    table: plan.source.table,
    key,
    shownKey: shownKey(key),
    kind,
    columns,
  });
  const kept = actual !== undefined && mark !== -1 && actual[mark] === byService;
  if (expected === undefined) {
    const extra = actual !== undefined && !kept && compared.extras;
    return { difference: extra ? found('extra') : undefined, kept };
  }
  if (actual === undefined) return { difference: found('missing'), kept };
  const from = kept ? Math.max(compared.from, plan.target.referenceFrom) : compared.from;
  const columns: string[] = [];
  for (let index = from; index < compared.to; index++) {
    const decimal = plan.target.types[index] === 'decimal' || plan.target.types[index] === 'real';
    const same =
      sameValue(expected[index]!, actual[index]!, decimal) || sameTime(expected[index]!, actual[index]!);
    if (!same) columns.push(plan.target.columns[index]!);
  }
  return { difference: columns.length > 0 ? found('different', columns) : undefined, kept };
}

const timeWithFraction = /^(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.(\d*?)0*)?$/;

/** PostgreSQL shows 10:00:00.25 what a mapping writes as 10:00:00.250. */
function sameTime(expected: Value, actual: Value): boolean {
  if (typeof expected !== 'string' || typeof actual !== 'string') return false;
  const [left, right] = [timeWithFraction.exec(expected), timeWithFraction.exec(actual)];
  return left !== null && right !== null && left[1] === right[1] && (left[2] ?? '') === (right[2] ?? '');
}
