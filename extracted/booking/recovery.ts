import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import { newTraceparent } from '@ticketnow/service-kit/trace';
import type { FastifyBaseLogger } from 'fastify';
import type { Kysely } from 'kysely';
import type { InventoryClient } from './inventory-client.ts';
import { listAbandoned } from './queries.ts';
import { markPending, removeConfirming } from './records.ts';
import type { Saga } from './saga.ts';
import type { BookingSchema } from './schema.ts';

const batch = 100;
const atOnce = 10;

/** What recovery works with. */
export interface RecoveryNeeds {
  db: Kysely<BookingSchema>;
  commits: GroupCommit;
  inventory: InventoryClient;
  saga: Saga;
  log: FastifyBaseLogger;
}

/**
 * Settles bookings that were left in the making by a crash or a lost answer, on inventory's verdict: released
 * means the booking never was, confirmed means it stands. Answers how many of each; throws when inventory or
 * the store cannot be asked, and the next round comes soon.
 */
export async function recoverAbandoned(needs: RecoveryNeeds): Promise<{ kept: number; removed: number }> {
  const abandoned = await listAbandoned(needs.db, Date.now(), batch);
  const mine = abandoned.filter(({ id }) => !needs.saga.isHandling(id));
  const counts = { kept: 0, removed: 0 };
  while (mine.length > 0) {
    const verdicts = await Promise.all(mine.splice(0, atOnce).map((booking) => settle(needs, booking)));
    for (const verdict of verdicts) counts[verdict] += 1;
  }
  if (abandoned.length > 0) needs.log.info(counts, 'settled bookings that were left in the making');
  return counts;
}

async function settle(
  { commits, inventory }: RecoveryNeeds,
  { id, reservation_id: reservationId }: { id: number; reservation_id: string },
): Promise<'kept' | 'removed'> {
  const call = { traceparent: newTraceparent(), budget: AbortSignal.timeout(5000) };
  if ((await inventory.release(reservationId, call)) === 'confirmed') {
    await commits.submit((tx) => markPending(tx, id));
    return 'kept';
  }
  await commits.submit((tx) => removeConfirming(tx, id));
  return 'removed';
}
