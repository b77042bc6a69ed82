import { install } from '../capture/installation.ts';
import { Feed } from '../feed/feed.ts';
import booking from '../groups/booking.ts';
import inventory from '../groups/inventory.ts';
import profile from '../groups/profile.ts';
import type { Direction, GroupDeclaration, Owner } from '../mapping/group.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';

export const ticketnow = { booking, inventory, profile };
export type GroupName = keyof typeof ticketnow;

/** Every pair of legacy and service databases. */
export const pairs: [legacy: Dialect, service: Dialect][] = [
  ['sqlite', 'sqlite'],
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
  ['postgres', 'postgres'],
];

/** A legacy database and a service's store with a group's tables, captured, and the feeds between them. */
export interface StorePair {
  legacy: TestDatabase;
  service: TestDatabase;
  group: GroupDeclaration;
  /** A feed over connections of its own, as a process that just started has it. */
  feed(direction?: Direction, options?: FeedSettings): Feed;
  /** Steps a feed until nothing is left. */
  drain(feed: Feed, owner?: Owner): Promise<{ changes: number; copied: number; foreign: number }>;
  stores(): { legacy: Store; service: Store };
  close(): Promise<void>;
}

export interface FeedSettings {
  chunkRows?: number;
  pageRows?: number;
  /** Puts something between the feed and its stores. */
  wrap?: (store: Store, side: 'source' | 'target') => Store;
}

/** Two fresh databases; `make` creates the tables of either side. */
export async function openPair(
  group: GroupDeclaration,
  [from, to]: [Dialect, Dialect],
  make: { legacy(database: TestDatabase): Promise<void>; service(database: TestDatabase): Promise<void> },
): Promise<StorePair> {
  const legacy = await freshDatabase(from);
  const service = await freshDatabase(to);
  await make.legacy(legacy);
  await make.service(service);
  const opened: Store[] = [];
  const open = (database: TestDatabase) => {
    const store = openStore(parseDatabaseUrl(database.url, 'TEST'));
    opened.push(store);
    return store;
  };
  await install(open(legacy), [group], 'legacy');
  await install(open(service), [group], 'service');
  return {
    legacy,
    service,
    group,
    feed(direction = 'forward', { chunkRows = 1000, pageRows, wrap = (store: Store) => store } = {}) {
      const [source, target] = direction === 'forward' ? [legacy, service] : [service, legacy];
      return new Feed({
        group,
        direction,
        source: wrap(open(source), 'source'),
        target: wrap(open(target), 'target'),
        chunkRows,
        ...(pageRows === undefined ? {} : { pageRows }),
      });
    },
    async drain(feed, owner = 'legacy') {
      const total = { changes: 0, copied: 0, foreign: 0 };
      const over = await everythingBeforeNow(feed.name.endsWith(':forward') ? legacy : service);
      while (true) {
        const complete = await over();
        const step = await feed.step(owner);
        total.changes += step.changes;
        total.copied += step.copied;
        total.foreign += step.foreign;
        if (step.idle && complete) return total;
      }
    },
    stores: () => ({ legacy: open(legacy), service: open(service) }),
    async close() {
      for (const store of opened) await store.close();
      await legacy.drop();
      await service.drop();
    },
  };
}

/**
 * Asks whether every transaction that was under way is over. PostgreSQL counts those of all databases of the server, so
 * another test's may hold a feed back for a moment.
 */
export async function everythingBeforeNow(source: TestDatabase): Promise<() => Promise<boolean>> {
  if (source.dialect === 'sqlite') return async () => true;
  const [now] = await source.query('SELECT pg_snapshot_xmax(pg_current_snapshot()) AS at');
  return async () => {
    const [is] = await source.query('SELECT pg_snapshot_xmin(pg_current_snapshot()) AS at');
    return BigInt(is!.at!) >= BigInt(now!.at!);
  };
}

/** Until every transaction that was under way is over: a feed reads everything from here on. */
export async function settled(source: TestDatabase): Promise<void> {
  const over = await everythingBeforeNow(source);
  while (!(await over()));
}
