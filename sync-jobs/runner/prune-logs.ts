import type { Logger } from '@strangler-fig/kernel/log';
import type { GroupRunner } from './group-runner.ts';

/** Prunes the log of the legacy database, which all groups share, and that of each service; failures are logged. */
export async function pruneLogs(groups: GroupRunner[], mostRows: number, log: Logger): Promise<void> {
  const following = groups.filter((group) => group.follows);
  const work = [
    { group: following[0], database: 'legacy', prune: () => pruneLegacyLog(groups, mostRows) },
    ...following.map((group) => ({
      group,
      database: 'service',
      prune: () => group.pruneServiceLog(mostRows),
    })),
  ];
  for (const { group, database, prune } of work) {
    try {
      const rows = await prune();
      if (rows > 0) log.debug({ group: group?.name, database, rows }, 'log pruned');
    } catch (error) {
      const fields = { group: group?.name, database, err: error };
      log.error(fields, 'the log could not be pruned; it is tried again at the next time');
    }
  }
}

/** Up to what every group needs, also those that another instance carries over: while one is not known, nothing goes. */
async function pruneLegacyLog(groups: GroupRunner[], mostRows: number): Promise<number> {
  // What is decoded leaves no log of ours; its positions are places in PostgreSQL's.
  const readers = groups.filter((group) => !group.decodes);
  const one = readers.find((group) => group.follows);
  if (one === undefined) return 0;
  const tooLong = await one.legacyLogIsTooLong(mostRows);
  const needed = readers.map((group) => group.legacyLogNeededFrom(tooLong));
  if (needed.includes(undefined)) return 0;
  const least = (needed as string[]).reduce((first, next) => (BigInt(next) < BigInt(first) ? next : first));
  return one.pruneLegacyLog(least);
}
