import { createGroupCommit } from '@ticketnow/service-kit/group-commit';
import type { IdentityKeys } from '@ticketnow/service-kit/identity';
import { migrate } from '@ticketnow/service-kit/migrations';
import { buildService, type Service } from '@ticketnow/service-kit/service';
import { openStore } from '@ticketnow/service-kit/store';
import { startHoldExpiry } from './hold-expiry.ts';
import { addItemRoutes } from './item-routes.ts';
import { addLegacyRoutes } from './legacy-routes.ts';
import { addReservationRoutes } from './reservation-routes.ts';
import { type InventorySchema, migrations } from './schema.ts';

/** Settings of the inventory service. */
export interface InventoryOptions {
  /** `sqlite:<path>` or `postgres://…`; its tables are made or brought up to date. */
  databaseUrl: string;
  /** What the identities of facade and booking are verified with. */
  identity: IdentityKeys;
  /** pino's level. Default silent. */
  logLevel?: string;
  /** How often holds that ran out are swept. Default 1000 ms. */
  sweepEveryMs?: number;
}

/** Builds the service; the caller listens. `close()` finishes the work it has accepted and closes the store. */
export async function buildInventory(options: InventoryOptions): Promise<Service> {
  const store = openStore<InventorySchema>(options.databaseUrl);
  try {
    await migrate(store, migrations);
  } catch (error) {
    await store.close();
    throw error;
  }
  const commits = createGroupCommit(store);
  const app = await buildService({
    name: 'inventory',
    description: 'What can be sold of each event: stock, reservations and returns.',
    identity: { keys: options.identity, audience: 'inventory', issuers: ['facade', 'booking'] },
    checks: { store: () => store.ping() },
    ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
  });
  addItemRoutes(app, store.db);
  await addReservationRoutes(app, commits);
  await addLegacyRoutes(app, store.db, commits);
  const stopExpiry = startHoldExpiry(commits, app.log, options.sweepEveryMs ?? 1000);
  app.addHook('onClose', async () => {
    await stopExpiry();
    await commits.close();
    await store.close();
  });
  return app;
}
