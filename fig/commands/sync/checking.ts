import { checkGroup } from '@strangler-fig/sync-jobs/check/check';
import type { CheckOptions, CheckReport } from '@strangler-fig/sync-jobs/check/report';
import { withDatabases } from './databases.ts';

/** Checks one group after the other. */
export function checking(names: readonly string[], options: CheckOptions): Promise<CheckReport[]> {
  return withDatabases(names, async ({ groups, legacy, service }) => {
    const reports: CheckReport[] = [];
    for (const group of groups) reports.push(await checkGroup(group, legacy, service(group), options));
    return reports;
  });
}
