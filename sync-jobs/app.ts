import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@strangler-fig/kernel/log';
import { createTask, type ScheduledTask } from 'node-cron';
import { createControlServer } from './control/server.ts';
import { refused } from './feed/shapes.ts';
import { declarationFaults } from './mapping/declaration-faults.ts';
import type { GroupDeclaration } from './mapping/group.ts';
import type { ProgressReporter } from './progress/reporter.ts';
import { GroupRunner } from './runner/group-runner.ts';
import { pruneLogs } from './runner/prune-logs.ts';
import type { Settings } from './settings.ts';
import type { Store } from './stores/store.ts';

/** What sync-jobs is built from. */
export interface SyncOptions {
  groups: GroupDeclaration[];
  /** Opens a store anew at each call. */
  openStore(group: string, side: 'legacy' | 'service'): Store;
  settings: Pick<
    Settings,
    'chunkRows' | 'throttle' | 'installs' | 'follows' | 'schedules' | 'mostLogRows' | 'token'
  >;
  log: Logger;
  progress: ProgressReporter;
}

/** sync-jobs, built and not yet started. */
export interface SyncJobs {
  /** The control API; not listening yet. */
  server: Server;
  /** Begins to copy and follow every group. */
  start(): void;
  /** Resolves when every group's first copy is complete; never rejects. */
  backfilled: Promise<void>;
  /** Ends in good order: running steps end. */
  stop(): Promise<void>;
}

/** How long running steps and requests may take to end, in milliseconds. */
const patience = 8_000;

/**
 * Builds sync-jobs.
 * @throws Failure `declaration_refused` with all reasons where a group's declaration is wrong in itself.
 */
export function buildSyncJobs({
  groups: declarations,
  openStore,
  settings,
  log,
  progress,
}: SyncOptions): SyncJobs {
  const faults = declarationFaults(declarations);
  if (faults.length > 0) throw refused(faults);
  const { schedules, mostLogRows, token, ...how } = settings;
  const groups = declarations.map(
    (group) =>
      new GroupRunner({ group, open: (side) => openStore(group.name, side), ...how, log, ...progress }),
  );
  const tasks = [
    ofEach(schedules.verify, groups, log, (group) => group.verify('full')),
    ofEach(schedules.verifyChanged, groups, log, (group) => group.verify('incremental')),
    createTask(schedules.prune, () => pruneLogs(groups, mostLogRows, log), {
      suppressMissedWarning: true,
      noOverlap: true,
    }),
  ];
  const server = createControlServer({ groups, token, log });
  return {
    server,
    backfilled: Promise.all(groups.map((group) => group.backfilled)).then(() => {}),
    start() {
      for (const group of groups) group.start();
      for (const task of how.follows ? tasks : []) void task.start();
    },
    async stop() {
      await Promise.all(tasks.map((task) => task.destroy()));
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      // A database that hangs in a query does not keep us: the process ends, and with it the connection.
      const late = new AbortController();
      await Promise.race([
        Promise.all([...groups.map((group) => group.stop()), closed]),
        delay(patience, undefined, { signal: late.signal }),
      ]);
      late.abort();
      server.closeAllConnections();
    },
  };
}

/** Scheduled work on one group after the other, where its first copy is complete and this instance is the one that works. */
function ofEach(
  expression: string,
  groups: GroupRunner[],
  log: Logger,
  work: (group: GroupRunner) => Promise<unknown>,
): ScheduledTask {
  const run = async () => {
    for (const group of groups.filter((one) => one.follows)) {
      await work(group).catch((error: unknown) => {
        log.error(
          { group: group.name, err: error },
          'scheduled work failed; it is tried again at its next time',
        );
      });
    }
  };
  return createTask(expression, run, { suppressMissedWarning: true, noOverlap: true });
}
