import { install } from '../../sync-jobs/capture/installation.ts';
import { Feed } from '../../sync-jobs/feed/feed.ts';
import { openStore } from '../../sync-jobs/stores/open.ts';
import type { Store } from '../../sync-jobs/stores/store.ts';
import { parseDatabaseUrl } from '../../sync-jobs/stores/url.ts';
import type { BenchDatabase } from './databases.ts';
import { createLegacy, createService, group } from './tables.ts';

/** A legacy database and a service's store with capture, and the feeds between them. */
export interface BenchPair {
  legacy: BenchDatabase;
  service: BenchDatabase;
  forward: Feed;
  back: Feed;
  close(): Promise<void>;
}

export async function openPair(make: () => Promise<BenchDatabase>): Promise<BenchPair> {
  const [legacy, service] = [await make(), await make()];
  await createLegacy(legacy);
  await createService(service);
  const opened: Store[] = [];
  const open = (database: BenchDatabase) => {
    const store = openStore(parseDatabaseUrl(database.url, 'BENCH'));
    opened.push(store);
    return store;
  };
  await install(open(legacy), [group], 'legacy');
  await install(open(service), [group], 'service');
  // As sync-jobs has it where nothing is set.
  const chunkRows = 2_000;
  return {
    legacy,
    service,
    forward: new Feed({
      group,
      direction: 'forward',
      source: open(legacy),
      target: open(service),
      chunkRows,
    }),
    back: new Feed({ group, direction: 'back', source: open(service), target: open(legacy), chunkRows }),
    async close() {
      for (const store of opened) await store.close();
      await legacy.close();
      await service.close();
    },
  };
}

/** Steps a feed until nothing is left. */
export async function drain(feed: Feed): Promise<void> {
  while (!(await feed.step('legacy')).idle);
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
