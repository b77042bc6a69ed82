import path from 'node:path';
import { listen } from '@strangler-fig/kernel/listen';
import { createLog } from '@strangler-fig/kernel/log';
import { reportReady, runMain, shutDownOnSignal } from '@strangler-fig/kernel/shutdown';
import { buildSyncJobs } from './app.ts';
import { loadGroups } from './groups-folder.ts';
import { reportProgress } from './progress/reporter.ts';
import { readSettings } from './settings.ts';
import { openStore } from './stores/open.ts';

await runMain(async () => {
  const folder = process.env.SYNC_GROUPS_DIR || path.join(import.meta.dirname, 'groups');
  const groups = await loadGroups(folder);
  const settings = readSettings(process.env, groups);
  const log = createLog('sync-jobs');
  const sync = buildSyncJobs({
    groups,
    openStore: (group, side) =>
      openStore(side === 'legacy' ? settings.legacy : settings.services.get(group)!),
    settings,
    log,
    progress: reportProgress(log, process.stderr.isTTY ? process.stderr : undefined),
  });
  shutDownOnSignal(sync.stop);
  const port = await listen(sync.server, {
    what: 'sync-jobs',
    host: settings.host,
    port: settings.port,
    setting: 'SYNC_PORT',
  });
  log.info({ port, groups: groups.map((group) => group.name) }, 'sync-jobs listens');
  sync.start();
  await sync.backfilled;
  reportReady(port);
});
