import { auditGroup, type RunningGroup } from './running-group.ts';

/** Copies everything anew, and resolves when that is done. */
export async function copyAnew(group: RunningGroup, who: string): Promise<{ rows: number }> {
  await auditGroup(group, who, 'backfill', {});
  return group.feeds.forward.copyAnew();
}
