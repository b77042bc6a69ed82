import { ProblemError } from '@ticketnow/service-kit/problem';
import type { Tx } from '@ticketnow/service-kit/session';
import { itemNotFound } from './item-routes.ts';
import type { StockReturnRow } from './schema.ts';

/** Tickets of a cancelled or expired booking. */
export interface StockReturn {
  returnId: string;
  itemId: number;
  quantity: number;
}

/** Gives tickets back to the stock, once for each return id. */
export async function acceptReturn(
  tx: Tx,
  { returnId, itemId, quantity }: StockReturn,
  now: number,
): Promise<'created' | 'repeated' | ProblemError> {
  const known = await tx.first('SELECT 1 AS found FROM items WHERE event_id = ?', itemId);
  if (known === undefined) return itemNotFound(itemId);
  const inserted = await tx.run(
    'INSERT INTO stock_returns (id, item_id, quantity, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    returnId,
    itemId,
    quantity,
    now,
  );
  if (inserted === 1) {
    await tx.run(
      `UPDATE items SET stock = stock + ?, updated_at = ?, written_by = 'service' WHERE event_id = ?`,
      quantity,
      now,
      itemId,
    );
    return 'created';
  }
  const before = await tx.first<StockReturnRow>('SELECT * FROM stock_returns WHERE id = ?', returnId);
  if (before?.item_id === itemId && before.quantity === quantity) return 'repeated';
  return new ProblemError('return_conflict', {
    status: 409,
    detail: `Return ${returnId} exists with another item or quantity.`,
    hint: 'Use a fresh id for each return.',
  });
}

/**
 * Adds tickets (or takes unsold ones away, when negative) to stock and capacity alike; refuses to go below 0
 * in either. 'unknown' when the item is not in the catalogue.
 */
export async function restock(
  tx: Tx,
  { itemId, add }: { itemId: number; add: number },
  now: number,
): Promise<'saved' | 'refused' | 'unknown'> {
  const saved = await tx.run(
    `UPDATE items SET stock = stock + ?, capacity = capacity + ?, updated_at = ?, written_by = 'service'
     WHERE event_id = ? AND withdrawn_at IS NULL AND stock + ? >= 0 AND capacity + ? >= 0`,
    add,
    add,
    now,
    itemId,
    add,
    add,
  );
  if (saved === 1) return 'saved';
  const known = await tx.first(
    'SELECT 1 AS found FROM items WHERE event_id = ? AND withdrawn_at IS NULL',
    itemId,
  );
  return known === undefined ? 'unknown' : 'refused';
}
