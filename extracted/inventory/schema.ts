import type { Migration } from 'kysely/migration';
import * as items from './migrations/0001-items.ts';
import * as reservations from './migrations/0002-reservations.ts';

/** All migrations of the inventory store, in order. */
export const migrations: Record<string, Migration> = {
  '0001-items': items,
  '0002-reservations': reservations,
};

/** One event's tickets. Times are epoch milliseconds. */
export interface ItemRow {
  event_id: number;
  title: string;
  price_cents: number;
  sale_status: string;
  starts_at: number;
  withdrawn_at: number | null;
  stock: number;
  capacity: number;
  updated_at: number;
  written_by: 'sync' | 'service';
}

/** Tickets taken out of the stock for one booking. */
export interface ReservationRow {
  id: string;
  item_id: number | null;
  quantity: number;
  state: 'held' | 'confirmed' | 'released' | 'expired';
  expires_at: number;
  created_at: number;
}

/** Tickets that a cancelled or expired booking gave back. */
export interface StockReturnRow {
  id: string;
  item_id: number;
  quantity: number;
  created_at: number;
}

/** The inventory store's tables. */
export interface InventorySchema {
  items: ItemRow;
  reservations: ReservationRow;
  stock_returns: StockReturnRow;
}
