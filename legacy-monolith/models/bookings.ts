import type { Database, Queries } from '../db/database.ts';
import { databaseTime, now } from '../formats.ts';
import type { Paging } from '../input.ts';
import { type Event, findEvent, remainingStock, returnStock, takeStock } from './events.ts';

export interface Booking {
  id: number;
  user_id: number;
  event_id: number;
  num_tickets: number;
  unit_price_cents: number;
  total_cents: number;
  status: 'pending' | 'paid' | 'cancelled' | 'expired';
  created_at: string;
  /** When an unpaid booking falls due. */
  expires_at: string | null;
  paid_at: string | null;
  cancelled_at: string | null;
}

const HOURS_TO_PAY = 24;

export type BookingOutcome =
  | { outcome: 'booked'; booking: Booking }
  | { outcome: 'event not found' }
  | { outcome: 'event is not on sale' }
  | { outcome: 'not enough tickets'; remaining: number };

/** Takes the tickets off the event's stock and writes the booking, both or neither. */
export async function bookTickets(
  db: Database,
  userId: number,
  eventId: number,
  tickets: number,
): Promise<BookingOutcome> {
  const event = await findEvent(db, eventId);
  if (event === undefined) return { outcome: 'event not found' };
  if (event.status !== 'on_sale' || event.starts_at <= now()) return { outcome: 'event is not on sale' };
  return db.transaction(async (tx) => {
    if (!(await takeStock(tx, event.id, tickets))) {
      return { outcome: 'not enough tickets', remaining: (await remainingStock(tx, event.id)) ?? 0 };
    }
    return { outcome: 'booked', booking: await insertBooking(tx, userId, event, tickets) };
  });
}

async function insertBooking(tx: Queries, userId: number, event: Event, tickets: number): Promise<Booking> {
  const createdAt = new Date();
  const expiresAt = new Date(createdAt.getTime() + HOURS_TO_PAY * 3_600_000);
  const booking = await tx.one<Booking>(
    `INSERT INTO bookings (user_id, event_id, num_tickets, unit_price_cents, total_cents, status, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, 'pending', ?, ?) RETURNING *`,
    [
      userId,
      event.id,
      tickets,
      event.price_cents,
      event.price_cents * tickets,
      databaseTime(createdAt),
      databaseTime(expiresAt),
    ],
  );
  if (booking === undefined) throw new Error('the booking was not inserted');
  return booking;
}

/** One page of a user's bookings, newest first. */
export async function listBookings(
  db: Queries,
  userId: number,
  { page, per_page }: Paging,
): Promise<{ bookings: Booking[]; total: number }> {
  const counted = await db.one<{ total: number }>(
    'SELECT COUNT(*) AS total FROM bookings WHERE user_id = ?',
    [userId],
  );
  const ids = await db.all<{ id: number }>(
    'SELECT id FROM bookings WHERE user_id = ? ORDER BY id DESC LIMIT ? OFFSET ?',
    [userId, per_page, (page - 1) * per_page],
  );
  const bookings: Booking[] = [];
  for (const { id } of ids) {
    const booking = await findBooking(db, id);
    if (booking !== undefined) bookings.push(booking);
  }
  return { bookings, total: counted?.total ?? 0 };
}

export function findBooking(db: Queries, id: number): Promise<Booking | undefined> {
  return db.one<Booking>('SELECT * FROM bookings WHERE id = ?', [id]);
}

/** True when the booking was this user's and pending; it is paid now. */
export async function payBooking(db: Queries, id: number, userId: number): Promise<boolean> {
  const changed = await db.run(
    `UPDATE bookings SET status = 'paid', paid_at = ? WHERE id = ? AND user_id = ? AND status = 'pending'`,
    [now(), id, userId],
  );
  return changed === 1;
}

export type CancelOutcome =
  | { outcome: 'cancelled'; booking: Booking }
  | { outcome: 'booking not found' | 'already cancelled' | 'booking has expired' };

/** Cancels a user's own booking, paid or not, and gives its tickets back. */
export function cancelBooking(db: Database, id: number, userId: number): Promise<CancelOutcome> {
  return db.transaction(async (tx) => {
    // The status is part of the update, so of two cancellations at once only one gives the tickets back.
    const changed = await tx.run(
      `UPDATE bookings SET status = 'cancelled', cancelled_at = ?
       WHERE id = ? AND user_id = ? AND status IN ('pending', 'paid')`,
      [now(), id, userId],
    );
    const booking = await findBooking(tx, id);
    if (booking === undefined || booking.user_id !== userId) return { outcome: 'booking not found' };
    if (changed === 0) {
      return { outcome: booking.status === 'expired' ? 'booking has expired' : 'already cancelled' };
    }
    await returnStock(tx, booking.event_id, booking.num_tickets);
    return { outcome: 'cancelled', booking };
  });
}

/** Unpaid bookings whose time is over. */
export function listOverdue(db: Queries): Promise<Booking[]> {
  return db.all<Booking>(`SELECT * FROM bookings WHERE status = 'pending' AND expires_at <= ? ORDER BY id`, [
    now(),
  ]);
}

/** Expires one booking and gives its tickets back; false when it was paid or cancelled meanwhile. */
export function expireBooking(db: Database, booking: Booking): Promise<boolean> {
  return db.transaction(async (tx) => {
    const changed = await tx.run(
      `UPDATE bookings SET status = 'expired' WHERE id = ? AND status = 'pending'`,
      [booking.id],
    );
    if (changed === 0) return false;
    await returnStock(tx, booking.event_id, booking.num_tickets);
    return true;
  });
}
