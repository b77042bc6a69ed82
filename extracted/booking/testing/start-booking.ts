import { openStore } from '@ticketnow/service-kit/store';
import { type ServiceProcess, startService } from '../../service-kit/testing/service-process.ts';
import type { BookingSchema } from '../schema.ts';

/** Starts booking as a process on a free port, impatient enough for a test to see it recover. */
export function startBooking(
  databaseUrl: string,
  inventoryUrl: string,
  env: Record<string, string> = {},
): Promise<ServiceProcess> {
  return startService(`${import.meta.dirname}/../server.js`, {
    BOOKING_PORT: '0',
    BOOKING_DATABASE_URL: databaseUrl,
    INVENTORY_URL: inventoryUrl,
    BOOKING_HOLD_SECONDS: '2',
    BOOKING_RECOVER_AFTER_MS: '500',
    ...env,
  });
}

/** What the booking store says of one event. */
export interface Books {
  /** Tickets of bookings that count: pending and paid. */
  sold: number;
  /** Their reservations. */
  reservationIds: string[];
  /** Bookings in the making. */
  confirming: number;
  /** Tickets still owed to inventory. */
  owed: number;
}

/** Reads the booking store directly. */
export async function readBooks(databaseUrl: string, eventId: number): Promise<Books> {
  const store = openStore<BookingSchema>(databaseUrl);
  try {
    const rows = await store.db
      .selectFrom('bookings')
      .select(['quantity', 'state', 'reservation_id'])
      .where('event_id', '=', eventId)
      .execute();
    const live = rows.filter((row) => row.state === 'pending' || row.state === 'paid');
    const owed = await store.db
      .selectFrom('stock_returns')
      .select('quantity')
      .where('item_id', '=', eventId)
      .execute();
    return {
      sold: live.reduce((sum, row) => sum + row.quantity, 0),
      reservationIds: live.map((row) => row.reservation_id ?? ''),
      confirming: rows.filter((row) => row.state === 'confirming').length,
      owed: owed.reduce((sum, row) => sum + row.quantity, 0),
    };
  } finally {
    await store.close();
  }
}
