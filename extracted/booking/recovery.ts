import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import { newTraceparent } from '@ticketnow/service-kit/trace';
import type { FastifyBaseLogger } from 'fastify';
import type { Kysely } from 'kysely';
import type { InventoryClient } from './inventory-client.ts';
import { listAbandoned } from './queries.ts';
import { markPending, removeConfirming } from './records.ts';
import type { Saga } from './saga.ts';
import type { BookingSchema } from './schema.ts';

const batch = 50;

/**
 * Settles bookings that were left in the making by a crash or a lost answer, on inventory's verdict: released
 * means the booking never was, confirmed means it stands. Answers how many of each; stops at the first call that
 * fails, since the next round comes soon.
 */
export async function recoverAbandoned(needs: {
  db: Kysely<BookingSchema>;
  commits: GroupCommit;
  inventory: InventoryClient;
  saga: Saga;
  log: FastifyBaseLogger;
}): Promise<{ kept: number; removed: number }> {
  const abandoned = await listAbandoned(needs.db, Date.now(), batch);
  const counts = { kept: 0, removed: 0 };
  for (const { id, reservation_id: reservationId } of abandoned) {
    if (needs.saga.isHandling(id)) continue;
    const call = { traceparent: newTraceparent(), budget: AbortSignal.timeout(5000) };
    if ((await needs.inventory.release(reservationId, call)) === 'confirmed') {
      await needs.commits.submit((tx) => markPending(tx, id));
      counts.kept += 1;
    } else {
      await needs.commits.submit((tx) => removeConfirming(tx, id));
      counts.removed += 1;
    }
  }
  if (abandoned.length > 0) needs.log.info(counts, 'settled bookings that were left in the making');
  return counts;
}
