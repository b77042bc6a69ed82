import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import { newTraceparent } from '@ticketnow/service-kit/trace';
import type { FastifyBaseLogger } from 'fastify';
import type { Kysely } from 'kysely';
import type { InventoryClient } from './inventory-client.ts';
import { listOwed } from './queries.ts';
import type { BookingSchema, StockReturnRow } from './schema.ts';

const batch = 100;
const atOnce = 10;
const longestPauseMs = 60_000;

/** Delivers the tickets that cancelled and expired bookings owe to inventory. */
export interface StockReturns {
  /** Tries once, right after the commit that owes it, and waits at most 300 ms; the worker does what is left. */
  deliverSoon(row: StockReturnRow, traceparent: string): Promise<void>;
  /** One round of the worker: everything that is due. Answers how many were delivered. */
  deliverDue(): Promise<number>;
}

const inlineWaitMs = 300;

/**
 * A return's id makes inventory count it once, so delivering it twice (inline and by the worker, by two
 * instances, or again after a crash between delivery and deletion) does no harm, and it is kept until inventory
 * has answered that it took it.
 */
export function createStockReturns(
  db: Kysely<BookingSchema>,
  commits: GroupCommit,
  inventory: InventoryClient,
  log: FastifyBaseLogger,
): StockReturns {
  async function deliver(row: StockReturnRow, traceparent: string): Promise<void> {
    const tickets = { itemId: row.item_id, quantity: row.quantity };
    await inventory.giveBack(row.id, tickets, { traceparent, budget: AbortSignal.timeout(5000) });
    await commits.submit((tx) => tx.run('DELETE FROM stock_returns WHERE id = ?', row.id));
  }

  async function postpone(row: StockReturnRow, error: unknown): Promise<void> {
    const pause =
      Math.min(longestPauseMs, 1000 * 2 ** Math.min(row.attempts, 10)) * (0.5 + Math.random() / 2);
    log.warn(
      { err: error, returnId: row.id, attempts: row.attempts + 1 },
      'could not return tickets; trying again',
    );
    await commits.submit((tx) =>
      tx.run(
        'UPDATE stock_returns SET attempts = attempts + 1, next_attempt_at = ? WHERE id = ?',
        Math.round(Date.now() + pause),
        row.id,
      ),
    );
  }

  return {
    async deliverSoon(row, traceparent) {
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, inlineWaitMs);
      });
      const delivered = deliver(row, traceparent).catch((error: unknown) => {
        log.warn({ err: error, returnId: row.id }, 'could not return tickets at once; the worker will');
      });
      await Promise.race([delivered, waited]);
      clearTimeout(timer);
    },

    async deliverDue() {
      const due = await listOwed(db, Date.now(), batch);
      let delivered = 0;
      while (due.length > 0) {
        const results = await Promise.all(
          due.splice(0, atOnce).map((row) =>
            deliver(row, newTraceparent()).then(
              () => 1,
              (error: unknown) => postpone(row, error).then(() => 0),
            ),
          ),
        );
        for (const result of results) delivered += result;
      }
      return delivered;
    },
  };
}
