import type { Generated } from 'kysely';
import type { Migration } from 'kysely/migration';
import * as bookings from './migrations/0001-bookings.ts';
import * as stockReturns from './migrations/0002-stock-returns.ts';
import * as idempotencyKeys from './migrations/0003-idempotency-keys.ts';

/** All migrations of the booking store, in order. */
export const migrations: Record<string, Migration> = {
  '0001-bookings': bookings,
  '0002-stock-returns': stockReturns,
  '0003-idempotency-keys': idempotencyKeys,
};

/** What a booking can be; 'confirming' only while it is being made. */
export type BookingState = 'confirming' | 'pending' | 'paid' | 'cancelled' | 'expired';

/** A booking as readers see it. Times are epoch milliseconds. */
export interface Booking {
  id: number;
  user_id: number;
  event_id: number;
  quantity: number;
  unit_price_cents: number;
  total_cents: number;
  state: BookingState;
  created_at: number;
  /** When it is no longer kept without payment. */
  expires_at: number | null;
  paid_at: number | null;
  cancelled_at: number | null;
}

interface BookingTable extends Omit<Booking, 'id'> {
  id: Generated<number>;
  reservation_id: string | null;
  saga_deadline: number | null;
  written_by: 'sync' | 'service';
}

/** Tickets owed to inventory. */
export interface StockReturnRow {
  id: string;
  item_id: number;
  quantity: number;
  created_at: number;
  attempts: number;
  next_attempt_at: number;
}

/** The answer that a key stands for. */
export interface IdempotencyKeyRow {
  user_id: number;
  key: string;
  request_hash: string;
  booking_id: number;
  status: number;
  location: string;
  body: string;
  created_at: number;
}

/** The booking store's tables. */
export interface BookingSchema {
  bookings: BookingTable;
  stock_returns: StockReturnRow;
  idempotency_keys: IdempotencyKeyRow;
}
