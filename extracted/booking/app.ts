import { createGroupCommit } from '@ticketnow/service-kit/group-commit';
import type { IdentityKeys } from '@ticketnow/service-kit/identity';
import { migrate } from '@ticketnow/service-kit/migrations';
import { buildService, type Service } from '@ticketnow/service-kit/service';
import { openStore } from '@ticketnow/service-kit/store';
import { addBookingRoutes } from './booking-routes.ts';
import { createBookings } from './bookings.ts';
import { createKeyGuard } from './idempotency.ts';
import { createInventoryClient, type InventoryClientOptions } from './inventory-client.ts';
import { scheduleNightly, startSweep } from './jobs.ts';
import { addLegacyRoutes } from './legacy-routes.ts';
import { recoverAbandoned } from './recovery.ts';
import { createSaga, type SagaSettings } from './saga.ts';
import { type BookingSchema, migrations } from './schema.ts';
import { createStockReturns } from './stock-returns.ts';

/** Settings of the booking service. */
export interface BookingOptions {
  /** `sqlite:<path>` or `postgres://…`; its tables are made or brought up to date. */
  databaseUrl: string;
  /** What the facade's identities are verified with, and booking's own towards inventory are signed with. */
  identity: IdentityKeys;
  /** Where inventory is. */
  inventoryUrl: string;
  /** Time-outs, retries and circuit breaker of calls to inventory. */
  inventory?: Omit<InventoryClientOptions, 'url' | 'identity'>;
  saga?: SagaSettings;
  /** Cron expression, UTC, of the job that expires unpaid bookings. Default 3 o'clock at night. */
  expirySchedule?: string;
  /** How often abandoned bookings and owed tickets are looked for. Default 1000 ms. */
  sweepEveryMs?: number;
  /** pino's level. Default silent. */
  logLevel?: string;
}

/** Builds the service; the caller listens. `close()` finishes the work it has accepted and closes the store. */
export async function buildBooking(options: BookingOptions): Promise<Service> {
  const store = openStore<BookingSchema>(options.databaseUrl);
  try {
    await migrate(store, migrations);
  } catch (error) {
    await store.close();
    throw error;
  }
  const { db } = store;
  const commits = createGroupCommit(store);
  const inventory = createInventoryClient({
    url: options.inventoryUrl,
    identity: options.identity,
    ...options.inventory,
  });
  const app = await buildService({
    name: 'booking',
    description: 'Bookings of tickets: made, paid, cancelled, expired.',
    identity: { keys: options.identity, audience: 'booking', issuers: ['facade'] },
    checks: { store: () => store.ping(), inventory: () => inventory.ping() },
    ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
  });
  const { log } = app;
  const saga = createSaga(commits, inventory, log, options.saga);
  const returns = createStockReturns(db, commits, inventory, log);
  const bookings = createBookings({ commits, saga, keys: createKeyGuard(db), returns });
  addBookingRoutes(app, { db, commits, bookings });
  await addLegacyRoutes(app, { db, commits, bookings });

  const every = options.sweepEveryMs ?? 1000;
  const stops = [
    startSweep('recovery', every, log, () => recoverAbandoned({ db, commits, inventory, saga, log })),
    startSweep('stock returns', every, log, () => returns.deliverDue()),
    scheduleNightly(options.expirySchedule ?? '0 3 * * *', { commits, returns, log }),
  ];
  app.addHook('onClose', async () => {
    await Promise.all(stops.map((stop) => stop()));
    await commits.close();
    await inventory.close();
    await store.close();
  });
  return app;
}
