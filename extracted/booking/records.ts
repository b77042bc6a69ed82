import { randomUUID } from 'node:crypto';
import type { Tx } from '@ticketnow/service-kit/session';
import type { Booking, BookingState, IdempotencyKeyRow, StockReturnRow } from './schema.ts';

// Units of work for the group commit: every change of a booking is one of these.

const columns = `id, user_id, event_id, quantity, unit_price_cents, total_cents, state, created_at, expires_at,
  paid_at, cancelled_at`;

const paymentTermMs = 24 * 3600 * 1000;

/** What is known of a booking when its tickets are held. */
export interface HeldBooking {
  userId: number;
  eventId: number;
  quantity: number;
  unitPriceCents: number;
  reservationId: string;
  /** Epoch milliseconds after which recovery may take the booking over. */
  sagaDeadline: number;
}

/** Inserts a booking in the making. Dates are whole seconds, as the old application keeps them. */
export async function insertConfirming(tx: Tx, held: HeldBooking, now: number): Promise<Booking> {
  const createdAt = Math.floor(now / 1000) * 1000;
  const row = await tx.first<Booking>(
    `INSERT INTO bookings (user_id, event_id, quantity, unit_price_cents, total_cents, state, created_at,
       expires_at, reservation_id, saga_deadline, written_by)
     VALUES (?, ?, ?, ?, ?, 'confirming', ?, ?, ?, ?, 'service') RETURNING ${columns}`,
    held.userId,
    held.eventId,
    held.quantity,
    held.unitPriceCents,
    held.unitPriceCents * held.quantity,
    createdAt,
    createdAt + paymentTermMs,
    held.reservationId,
    held.sagaDeadline,
  );
  if (row === undefined) throw new Error('INSERT … RETURNING answered no row');
  return row;
}

/** The reservation is confirmed: the booking stands and becomes visible. Repeating it changes nothing. */
export async function markPending(tx: Tx, bookingId: number): Promise<void> {
  await tx.run(
    `UPDATE bookings SET state = 'pending', saga_deadline = NULL WHERE id = ? AND state = 'confirming'`,
    bookingId,
  );
}

/** The reservation is released for good: the booking never was, and its key can be used again. */
export async function removeConfirming(tx: Tx, bookingId: number): Promise<void> {
  const removed = await tx.run(`DELETE FROM bookings WHERE id = ? AND state = 'confirming'`, bookingId);
  if (removed === 1) await tx.run('DELETE FROM idempotency_keys WHERE booking_id = ?', bookingId);
}

/** Inserts a key with the answer it stands for; answers the row that holds the key already, if any. */
export async function insertKey(tx: Tx, row: IdempotencyKeyRow): Promise<boolean> {
  const inserted = await tx.run(
    `INSERT INTO idempotency_keys (user_id, key, request_hash, booking_id, status, location, body, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, key) DO NOTHING`,
    row.user_id,
    row.key,
    row.request_hash,
    row.booking_id,
    row.status,
    row.location,
    row.body,
    row.created_at,
  );
  return inserted === 1;
}

/** Outcome of a cancellation. */
export type Cancellation =
  | { outcome: 'cancelled'; booking: Booking; owed: StockReturnRow }
  | { outcome: 'not_found' }
  | { outcome: 'already_cancelled' }
  | { outcome: 'expired' };

/** Cancels a user's own booking and owes its tickets to inventory, in one transaction. */
export async function cancel(
  tx: Tx,
  { bookingId, userId }: { bookingId: number; userId: number },
  now: number,
): Promise<Cancellation> {
  const booking = await tx.first<Booking>(
    `UPDATE bookings SET state = 'cancelled', cancelled_at = ?, written_by = 'service'
     WHERE id = ? AND user_id = ? AND state IN ('pending', 'paid') RETURNING ${columns}`,
    wholeSecond(now),
    bookingId,
    userId,
  );
  if (booking !== undefined) return { outcome: 'cancelled', booking, owed: await owe(tx, booking, now) };
  const state = await stateOf(tx, bookingId, userId);
  if (state === 'cancelled') return { outcome: 'already_cancelled' };
  if (state === 'expired') return { outcome: 'expired' };
  return { outcome: 'not_found' };
}

/** Outcome of a payment. */
export type Payment =
  | { outcome: 'paid'; booking: Booking }
  | { outcome: 'not_found' }
  | { outcome: 'not_pending' };

/** Marks a user's own pending booking as paid. */
export async function pay(
  tx: Tx,
  { bookingId, userId }: { bookingId: number; userId: number },
  now: number,
): Promise<Payment> {
  const booking = await tx.first<Booking>(
    `UPDATE bookings SET state = 'paid', paid_at = ?, written_by = 'service'
     WHERE id = ? AND user_id = ? AND state = 'pending' RETURNING ${columns}`,
    wholeSecond(now),
    bookingId,
    userId,
  );
  if (booking !== undefined) return { outcome: 'paid', booking };
  const state = await stateOf(tx, bookingId, userId);
  return { outcome: state === undefined || state === 'confirming' ? 'not_found' : 'not_pending' };
}

/**
 * Expires up to `limit` unpaid bookings that this service made, and owes their tickets. Those that the copying
 * job still follows (written_by 'sync') are left to the old application's own job.
 */
export async function expireUnpaid(tx: Tx, now: number, limit: number): Promise<StockReturnRow[]> {
  const expired = await tx.all<Booking>(
    `UPDATE bookings SET state = 'expired' WHERE state = 'pending' AND written_by = 'service' AND id IN
       (SELECT id FROM bookings WHERE state = 'pending' AND written_by = 'service' AND expires_at <= ?
        ORDER BY expires_at LIMIT ?)
     RETURNING ${columns}`,
    now,
    limit,
  );
  const owed: StockReturnRow[] = [];
  for (const booking of expired) owed.push(await owe(tx, booking, now));
  return owed;
}

const inlineGraceMs = 2000;

/** The worker leaves a new return alone for 2 s: it is delivered right after the commit, as a rule. */
async function owe(tx: Tx, booking: Booking, now: number): Promise<StockReturnRow> {
  const row: StockReturnRow = {
    id: randomUUID(),
    item_id: booking.event_id,
    quantity: booking.quantity,
    created_at: now,
    attempts: 0,
    next_attempt_at: now + inlineGraceMs,
  };
  await tx.run(
    `INSERT INTO stock_returns (id, item_id, quantity, created_at, attempts, next_attempt_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
    row.id,
    row.item_id,
    row.quantity,
    row.created_at,
    row.attempts,
    row.next_attempt_at,
  );
  return row;
}

async function stateOf(tx: Tx, bookingId: number, userId: number): Promise<BookingState | undefined> {
  const row = await tx.first<{ state: BookingState }>(
    'SELECT state FROM bookings WHERE id = ? AND user_id = ?',
    bookingId,
    userId,
  );
  return row?.state;
}

function wholeSecond(epochMs: number): number {
  return Math.floor(epochMs / 1000) * 1000;
}
