import type { Difference } from '../verify/differences.ts';
import type { VerifyReport } from '../verify/verify.ts';
import type { GroupVerification } from './group-verification.ts';
import { auditGroup, type RunningGroup } from './running-group.ts';

/** What a repair does to the follower, or would do. */
export interface Repair {
  before: VerifyReport;
  /** Null where nothing was changed. */
  after: VerifyReport | null;
  /** Rows that are written from the owner's side. */
  written: number;
  /** Rows that only the follower has: they are removed there, or marked as removed where the declaration says how. */
  removed: number;
}

/** Makes what differs as it is at the owner's side. Without `apply` it only says what it would do. */
export async function repair(
  group: RunningGroup,
  verification: GroupVerification,
  who: string,
  apply: boolean,
): Promise<Repair> {
  const before = await verification.verify('full');
  const amounts = amountsOf(before.differences);
  if (!apply || before.different === 0) return { before, after: null, ...amounts };
  const { owner } = group.ownership;
  // What stays the legacy side's goes forward whoever owns the rest.
  for (const direction of owner === 'legacy' ? (['forward'] as const) : (['forward', 'back'] as const)) {
    const runner = group.feeds[direction];
    const { tables } = await runner.feed.plans(owner);
    for (const { plan } of tables) {
      const rows = before.differences.filter(({ table }) => table === plan.source.table);
      if (rows.length === 0) continue;
      await runner.repair(
        plan.source.table,
        rows.map(({ key }) => key),
      );
      await auditGroup(group, who, 'repair', {
        table: plan.target.table,
        ...amountsOf(rows),
        rows: rows.map(({ shownKey: key, kind, columns }) => ({ key, kind, columns })),
      });
    }
  }
  return { before, after: await verification.verify('full'), ...amounts };
}

function amountsOf(differences: Difference[]): { written: number; removed: number } {
  const removed = differences.filter(({ kind }) => kind === 'extra').length;
  return { written: differences.length - removed, removed };
}
