import { passGroup } from '../backfill/group-pass.ts';
import type { Counts } from '../backfill/table-pass.ts';
import booking from '../groups/booking.ts';
import inventory from '../groups/inventory.ts';
import profile from '../groups/profile.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';
import { createLegacyTables, createServiceTables } from './ticketnow.ts';

export const groups = { booking, inventory, profile };
export type GroupName = keyof typeof groups;

/** Every pair of legacy and service databases. */
export const pairs: [legacy: Dialect, service: Dialect][] = [
  ['sqlite', 'sqlite'],
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
  ['postgres', 'postgres'],
];

/** TicketNow's legacy database and its services' stores, with the tables and without rows. */
export interface StorePair {
  legacy: TestDatabase;
  service: Record<GroupName, TestDatabase>;
  /** One pass of a group; `wrap` may put something between the pass and the service's store. */
  pass(group: GroupName, options?: { chunkRows?: number; wrap?: (target: Store) => Store }): Promise<Counts>;
  empty(): Promise<void>;
  close(): Promise<void>;
}

export async function openPair(from: Dialect, to: Dialect): Promise<StorePair> {
  const legacy = await freshDatabase(from);
  await createLegacyTables(legacy);
  const service = {} as Record<GroupName, TestDatabase>;
  const stores = {} as Record<GroupName, { source: Store; target: Store }>;
  for (const name of Object.keys(groups) as GroupName[]) {
    service[name] = await freshDatabase(to);
    await createServiceTables(name, service[name]);
    stores[name] = {
      source: openStore(parseDatabaseUrl(legacy.url, 'LEGACY'), 'legacy'),
      target: openStore(parseDatabaseUrl(service[name].url, 'SERVICE'), 'service'),
    };
  }
  return {
    legacy,
    service,
    pass(name, { chunkRows = 1000, wrap = (target: Store) => target } = {}) {
      const { source, target } = stores[name];
      return passGroup({
        group: groups[name],
        source,
        target: wrap(target),
        chunkRows,
        signal: new AbortController().signal,
        countRows: true,
        onTotal: () => {},
        onProgress: () => {},
      });
    },
    async empty() {
      for (const table of ['bookings', 'events', 'users']) await legacy.query(`DELETE FROM ${table}`);
      await service.booking.query('DELETE FROM bookings');
      await service.inventory.query('DELETE FROM items');
      await service.profile.query('DELETE FROM profiles');
    },
    async close() {
      for (const { source, target } of Object.values(stores)) {
        await source.close();
        await target.close();
      }
      await legacy.drop();
      await Promise.all(Object.values(service).map((database) => database.drop()));
    },
  };
}

/** A store with some of its methods replaced. */
export function wrapped(store: Store, replaced: Partial<Store>): Store {
  return {
    place: store.place,
    shape: (table) => store.shape(table),
    changeToken: () => store.changeToken(),
    read: (range) => store.read(range),
    count: (range) => store.count(range),
    apply: (target, chunk) => store.apply(target, chunk),
    close: () => store.close(),
    ...replaced,
  };
}
