import { once } from 'node:events';
import type { Dialect } from '../../sync-jobs/tests/databases.ts';
import { type SyncProcess, startSync } from '../../sync-jobs/tests/sync-process.ts';
import { insertBooking, insertEvent, insertUser } from '../../sync-jobs/tests/ticketnow.ts';
import { openTicketnow, type TicketnowSystem } from '../../sync-jobs/tests/ticketnow-system.ts';
import { type FigRun, runFig } from './fig-process.ts';

export const token = 'the token of the tests';

/** TicketNow's databases with a few rows, a sync-jobs that carries them over, and `fig sync` to ask it. */
export interface SyncSystem extends TicketnowSystem {
  sync: SyncProcess;
  url: string;
  /** Runs `fig sync …` with the system's URL and token. */
  fig(args: readonly string[], env?: Record<string, string>): Promise<FigRun>;
}

/** Databases that nothing of the toolkit has touched. */
export async function openFilled(dialect: Dialect): Promise<TicketnowSystem> {
  const databases = await openTicketnow(dialect, dialect);
  for (const id of [1, 2, 3]) await insertUser(databases.legacy, id);
  for (const id of [1, 2]) await insertEvent(databases.legacy, id);
  await insertBooking(databases.legacy, 1);
  return databases;
}

/** All groups are copied when it resolves. */
export async function startSystem(filled?: TicketnowSystem): Promise<SyncSystem> {
  const databases = filled ?? (await openFilled('sqlite'));
  const sync = startSync({
    ...databases.environment,
    FIG_TOKEN: token,
    // Schedules that do not come round: what is compared here is compared because it was asked for.
    SYNC_VERIFY_SCHEDULE: '0 0 0 29 2 *',
    SYNC_VERIFY_CHANGED_SCHEDULE: '0 0 0 29 2 *',
  });
  const url = `http://127.0.0.1:${await sync.ready}`;
  return {
    ...databases,
    sync,
    url,
    fig: (args, env = {}) => runFig(['sync', ...args], { env: { SYNC_URL: url, FIG_TOKEN: token, ...env } }),
    async close() {
      sync.child.kill('SIGTERM');
      if (sync.child.exitCode === null) await once(sync.child, 'exit');
      await databases.close();
    },
  };
}
