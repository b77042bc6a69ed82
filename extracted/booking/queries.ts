import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { Booking, BookingSchema, IdempotencyKeyRow, StockReturnRow } from './schema.ts';

const columns = [
  'id',
  'user_id',
  'event_id',
  'quantity',
  'unit_price_cents',
  'total_cents',
  'state',
  'created_at',
  'expires_at',
  'paid_at',
  'cancelled_at',
] as const;

/** A booking that readers may see: one in the making does not exist yet. */
export async function findBooking(db: Kysely<BookingSchema>, id: number): Promise<Booking | undefined> {
  return db
    .selectFrom('bookings')
    .select(columns)
    .where('id', '=', id)
    .where('state', '!=', 'confirming')
    .executeTakeFirst();
}

/** A page of a user's bookings, newest first, and how many there are in all. */
export async function listBookings(
  db: Kysely<BookingSchema>,
  userId: number,
  page: { page: number; perPage: number },
): Promise<{ bookings: Booking[]; total: number }> {
  const counted = await ofUser(db, userId)
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirst();
  const bookings = await ofUser(db, userId)
    .select(columns)
    .orderBy('id', 'desc')
    .limit(page.perPage)
    .offset((page.page - 1) * page.perPage)
    .execute();
  return { bookings, total: counted?.total ?? 0 };
}

/** A user's bookings below an id, newest first. */
export async function listBookingsBefore(
  db: Kysely<BookingSchema>,
  userId: number,
  page: { before: number | undefined; limit: number },
): Promise<Booking[]> {
  let query = ofUser(db, userId);
  if (page.before !== undefined) query = query.where('id', '<', page.before);
  return query.select(columns).orderBy('id', 'desc').limit(page.limit).execute();
}

/** What a key stands for; `finished` is false while its booking is still in the making. */
export async function findKey(
  db: Kysely<BookingSchema>,
  userId: number,
  key: string,
): Promise<(IdempotencyKeyRow & { finished: boolean }) | undefined> {
  const row = await db
    .selectFrom('idempotency_keys')
    .innerJoin('bookings', 'bookings.id', 'idempotency_keys.booking_id')
    .selectAll('idempotency_keys')
    .select('bookings.state')
    .where('idempotency_keys.user_id', '=', userId)
    .where('idempotency_keys.key', '=', key)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row, finished: row.state !== 'confirming' };
}

/** Bookings in the making whose request had its time. */
export async function listAbandoned(
  db: Kysely<BookingSchema>,
  now: number,
  limit: number,
): Promise<{ id: number; reservation_id: string }[]> {
  const rows = await db
    .selectFrom('bookings')
    .select(['id', 'reservation_id'])
    .where('state', '=', 'confirming')
    .where('saga_deadline', '<=', now)
    .orderBy('saga_deadline')
    .limit(limit)
    .execute();
  return rows.flatMap(({ id, reservation_id }) => (reservation_id === null ? [] : [{ id, reservation_id }]));
}

/** Returns that are due for another attempt. */
export async function listOwed(
  db: Kysely<BookingSchema>,
  now: number,
  limit: number,
): Promise<StockReturnRow[]> {
  return db
    .selectFrom('stock_returns')
    .selectAll()
    .where('next_attempt_at', '<=', now)
    .orderBy('next_attempt_at')
    .limit(limit)
    .execute();
}

function ofUser(
  db: Kysely<BookingSchema>,
  userId: number,
): SelectQueryBuilder<BookingSchema, 'bookings', Record<never, never>> {
  return db.selectFrom('bookings').where('user_id', '=', userId).where('state', '!=', 'confirming');
}
