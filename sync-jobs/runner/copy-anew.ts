import { Failure } from '@strangler-fig/kernel/failure';
import { patiently } from './retry.ts';
import { auditGroup, type RunningGroup } from './running-group.ts';

/** Copies everything anew, and resolves when that is done. */
export async function copyAnew(group: RunningGroup, who: string): Promise<{ rows: number }> {
  const runner = group.feeds.forward;
  await runner.exclusively(() => patiently(() => runner.feed.beginAnew(), group.stopping));
  await auditGroup(group, who, 'backfill', {});
  let rows = 0;
  while (!group.stopping.aborted) {
    const step = await runner.exclusively(() =>
      patiently(() => runner.feed.step(group.ownership.owner), group.stopping),
    );
    rows += step.copied;
    if (step.state.backfill.done) return { rows };
  }
  throw new Failure('stopping', 'sync-jobs is stopping.');
}
