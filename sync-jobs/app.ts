import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@strangler-fig/kernel/log';
import { createTask } from 'node-cron';
import { refused } from './backfill/group-pass.ts';
import { createControlServer } from './control/server.ts';
import { declarationFaults } from './mapping/declaration-faults.ts';
import type { GroupDeclaration } from './mapping/group.ts';
import type { ProgressReporter } from './progress/reporter.ts';
import { GroupRunner } from './runner/group-runner.ts';
import type { Store } from './stores/store.ts';

/** What sync-jobs is built from. */
export interface SyncOptions {
  groups: GroupDeclaration[];
  /** Opens the two stores of a group; a group has connections of its own, so that none waits for another. */
  openStores(group: string): { source: Store; target: Store };
  /** Cron expression, seconds first. */
  schedule: string;
  chunkRows: number;
  /** Token of control requests that change something; without it they are refused. */
  token: string | undefined;
  log: Logger;
  progress: ProgressReporter;
}

/** sync-jobs, built and not yet started. */
export interface SyncJobs {
  /** The control API; not listening yet. */
  server: Server;
  /** Begins the first backfill of every group, and then follows the schedule. */
  start(): void;
  /** Resolves when every group's first backfill is complete; never rejects. */
  backfilled: Promise<void>;
  /** Ends in good order: no new passes, running ones end between two chunks. */
  stop(): Promise<void>;
}

/** How long running passes and requests may take to end, in milliseconds. */
const patience = 8_000;

/**
 * Builds sync-jobs.
 * @throws Failure `declaration_refused` with all reasons where a group's declaration is wrong in itself.
 */
export function buildSyncJobs(options: SyncOptions): SyncJobs {
  const faults = declarationFaults(options.groups);
  if (faults.length > 0) throw refused(faults);
  const { chunkRows, log, progress, token } = options;
  const groups = options.groups.map(
    (group) => new GroupRunner({ group, ...options.openStores(group.name), chunkRows, log, ...progress }),
  );
  const tickAll = () => {
    for (const group of groups) group.tick();
  };
  const schedule = createTask(options.schedule, tickAll, { suppressMissedWarning: true });
  const server = createControlServer({ groups, token, log });
  return {
    server,
    backfilled: Promise.all(groups.map((group) => group.backfilled)).then(() => {}),
    start() {
      tickAll();
      schedule.start();
    },
    async stop() {
      await schedule.destroy();
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
