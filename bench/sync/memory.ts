import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { install } from '../../sync-jobs/capture/installation.ts';
import { Feed } from '../../sync-jobs/feed/feed.ts';
import { openStore } from '../../sync-jobs/stores/open.ts';
import type { Store } from '../../sync-jobs/stores/store.ts';
import { parseDatabaseUrl } from '../../sync-jobs/stores/url.ts';
import { sqliteDatabase } from './databases.ts';
import { drain, secondsOf } from './pair.ts';
import { createLegacy, createService, group } from './tables.ts';
import { verifyAll } from './verification.ts';

// node bench/sync/memory.ts [--rows 10000000] [--by-row]: the most memory that this process, which does nothing else, has
// used when so many rows are copied from one SQLite file to another and then verified.

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    'by-row': { type: 'boolean', default: false },
  },
});
const rows = Number(values.rows);
const folder = await mkdtemp(path.join(tmpdir(), 'bench-memory-'));
const [legacy, service] = [sqliteDatabase(folder), sqliteDatabase(folder)];
const opened: Store[] = [];
const open = (url: string): Store => {
  const store = openStore(parseDatabaseUrl(url, 'BENCH'));
  opened.push(store);
  return store;
};
try {
  await createLegacy(legacy);
  await createService(service);
  await filled();
  await install(open(legacy.url), [group], 'legacy');
  await install(open(service.url), [group], 'service');
  const target = open(service.url);
  const forward = new Feed({
    group,
    direction: 'forward',
    source: open(legacy.url),
    target: values['by-row'] ? byRow(target) : target,
    chunkRows: 2_000,
  });
  const back = new Feed({
    ...{ group, direction: 'back', source: open(service.url), target: open(legacy.url) },
    chunkRows: 2_000,
  });
  report('before', 0);
  report('copied', await secondsOf(() => drain(forward)));
  report('verified', await secondsOf(() => verifyAll({ forward, back })));
} finally {
  for (const store of opened) await store.close();
  await rm(folder, { recursive: true, force: true });
}

/** By another process: what that needs is not ours. */
async function filled(): Promise<void> {
  const script = new URL('./fill.ts', import.meta.url).pathname;
  const [code] = await once(
    spawn(process.execPath, [script, legacy.file, values.rows], { stdio: 'inherit' }),
    'exit',
  );
  if (code !== 0) throw new Error(`filling ended with ${code}`);
}

function report(what: string, seconds: number): void {
  // maxRSS is in kilobytes.
  const most = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ what, rows, seconds: Number(seconds.toFixed(1)), mostMegabytes: most }));
}

/** Without the way for many rows at once. */
function byRow(store: Store): Store {
  return {
    dialect: store.dialect,
    place: store.place,
    shape: (table) => store.shape(table),
    snapshot: (work) => store.snapshot(work),
    changed: (within, signal) => store.changed(within, signal),
    close: () => store.close(),
    transaction: (work, options) =>
      store.transaction((writer) => {
        writer.linkTo = async () => undefined;
        return work(writer);
      }, options),
  };
}
