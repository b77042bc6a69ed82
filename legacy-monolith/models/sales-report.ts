import type { Database, Queries } from '../db/database.ts';
import { decimalMoney } from '../formats.ts';
import { type Event, venueOf } from './events.ts';

const COLUMNS = [
  'event_id',
  'title',
  'venue',
  'city',
  'starts_at',
  'status',
  'price',
  'total_stock',
  'stock',
  'bookings_paid',
  'tickets_paid',
  'tickets_pending',
  'revenue',
];

interface Sales {
  bookings_paid: number;
  tickets_paid: number;
  tickets_pending: number;
  revenue_cents: number;
}

/** The sales of every event, deleted ones too, as the lines of a CSV file. */
export async function* salesReport(db: Database): AsyncGenerator<string> {
  yield csvLine(COLUMNS);
  const ids = await db.all<{ id: number }>('SELECT id FROM events ORDER BY id');
  for (const { id } of ids) {
    const event = await db.one<Event>('SELECT * FROM events WHERE id = ?', [id]);
    if (event === undefined) continue;
    const venue = await venueOf(db, event);
    const sales = await salesOf(db, id);
    yield csvLine([
      event.id,
      event.title,
      venue.name,
      venue.city,
      event.starts_at,
      event.deleted_at === null ? event.status : 'deleted',
      decimalMoney(event.price_cents),
      event.total_stock,
      event.stock,
      sales.bookings_paid,
      sales.tickets_paid,
      sales.tickets_pending,
      decimalMoney(sales.revenue_cents),
    ]);
  }
}

async function salesOf(db: Queries, eventId: number): Promise<Sales> {
  const sales = await db.one<Sales>(
    `SELECT COALESCE(SUM(CASE WHEN status = 'paid' THEN 1 ELSE 0 END), 0) AS bookings_paid,
            COALESCE(SUM(CASE WHEN status = 'paid' THEN num_tickets ELSE 0 END), 0) AS tickets_paid,
            COALESCE(SUM(CASE WHEN status = 'pending' THEN num_tickets ELSE 0 END), 0) AS tickets_pending,
            COALESCE(SUM(CASE WHEN status = 'paid' THEN total_cents ELSE 0 END), 0) AS revenue_cents
     FROM bookings WHERE event_id = ?`,
    [eventId],
  );
  return sales ?? { bookings_paid: 0, tickets_paid: 0, tickets_pending: 0, revenue_cents: 0 };
}

/** RFC 4180: quotes where a comma, a quote or a line break asks for them, quotes doubled, CRLF. */
function csvLine(values: readonly (string | number)[]): string {
  const cells = values.map((value) => {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(',')}\r\n`;
}
