import cron from 'node-cron';
import type { Database } from '../db/database.ts';
import type { StockFeed } from '../live/stock-feed.ts';
import type { Log } from '../middleware/access-log.ts';
import { purgeSessions } from '../middleware/session-store.ts';
import { expireBooking, listOverdue } from '../models/bookings.ts';

/** Expires the unpaid bookings that fell due and puts their tickets back on sale. Answers how many. */
export async function expireBookings(db: Database, feed: StockFeed): Promise<number> {
  let expired = 0;
  for (const booking of await listOverdue(db)) {
    if (!(await expireBooking(db, booking))) continue;
    feed.stockChanged(booking.event_id);
    expired += 1;
  }
  return expired;
}

/** Runs the nightly work on `schedule` (a cron expression, in UTC). Answers how to stop it. */
export function scheduleNightly(
  schedule: string,
  { db, feed, log }: { db: Database; feed: StockFeed; log: Log },
): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  async function run(): Promise<void> {
    try {
      const expired = await expireBookings(db, feed);
      const sessions = await purgeSessions(db);
      log.log(`nightly job: ${expired} bookings expired, ${sessions} old sessions deleted`);
    } catch (error) {
      log.error(`nightly job failed, it runs again next time: ${error}`);
    }
  }
  const task = cron.schedule(
    schedule,
    () => {
      running = run();
      return running;
    },
    { timezone: 'UTC', noOverlap: true },
  );
  return async () => {
    await task.destroy();
    await running;
  };
}
