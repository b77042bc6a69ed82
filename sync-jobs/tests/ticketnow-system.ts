import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';
import type { GroupName } from './store-pair.ts';
import { createLegacyTables, createServiceTables } from './ticketnow.ts';

export const groupNames: GroupName[] = ['booking', 'inventory', 'profile'];

/** TicketNow's legacy database and its three services' stores, with the tables and without rows. */
export interface TicketnowSystem {
  legacy: TestDatabase;
  service: Record<GroupName, TestDatabase>;
  /** The variables that tell sync-jobs where they are. */
  environment: Record<string, string>;
  close(): Promise<void>;
}

export async function openTicketnow(from: Dialect, to: Dialect): Promise<TicketnowSystem> {
  const legacy = await freshDatabase(from);
  await createLegacyTables(legacy);
  const service = {} as Record<GroupName, TestDatabase>;
  for (const name of groupNames) {
    service[name] = await freshDatabase(to);
    await createServiceTables(name, service[name]);
  }
  return {
    legacy,
    service,
    environment: {
      LEGACY_DATABASE_URL: legacy.url,
      INVENTORY_DATABASE_URL: service.inventory.url,
      PROFILE_DATABASE_URL: service.profile.url,
      BOOKING_DATABASE_URL: service.booking.url,
    },
    async close() {
      await legacy.drop();
      await Promise.all(groupNames.map((name) => service[name].drop()));
    },
  };
}
