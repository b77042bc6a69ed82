import type { Queries } from '../db/database.ts';
import { now } from '../formats.ts';
import type { Paging } from '../input.ts';

export interface Event {
  id: number;
  title: string;
  slug: string;
  description: string;
  category: string;
  venue_id: number;
  starts_at: string;
  price_cents: number;
  stock: number;
  total_stock: number;
  status: EventStatus;
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
}

export const eventStatuses = ['on_sale', 'draft', 'cancelled'] as const;
type EventStatus = (typeof eventStatuses)[number];

export interface Venue {
  id: number;
  name: string;
  city: string;
  capacity: number;
}

export type EventWithVenue = Event & { venue: Venue };

/** What the admin's form may change; stock has a form of its own. */
export type EventChanges = Pick<
  Event,
  'title' | 'description' | 'category' | 'venue_id' | 'starts_at' | 'price_cents' | 'status'
>;

export interface CatalogueFilter {
  category?: string | undefined;
  /** Part of the title, in any case (of ASCII letters: neither database folds more). */
  q?: string | undefined;
}

/** One page of the events on sale, by date. */
export async function listOnSale(
  db: Queries,
  filter: CatalogueFilter,
  { page, per_page }: Paging,
): Promise<{ events: EventWithVenue[]; total: number }> {
  const conditions = [`status = 'on_sale'`, 'deleted_at IS NULL'];
  const values: string[] = [];
  if (filter.category !== undefined) {
    conditions.push('category = ?');
    values.push(filter.category);
  }
  if (filter.q !== undefined) {
    conditions.push(`LOWER(title) LIKE LOWER(?) ESCAPE '!'`);
    values.push(`%${filter.q.replace(/[!%_]/g, '!$&')}%`);
  }
  const where = conditions.join(' AND ');
  const counted = await db.one<{ total: number }>(
    `SELECT COUNT(*) AS total FROM events WHERE ${where}`,
    values,
  );
  const events = await db.all<Event>(
    `SELECT * FROM events WHERE ${where} ORDER BY starts_at, id LIMIT ? OFFSET ?`,
    [...values, per_page, (page - 1) * per_page],
  );
  return { events: await withVenues(db, events), total: counted?.total ?? 0 };
}

/** One page of all events that are not deleted, newest first, for the admin. */
export async function listAll(db: Queries, { page, per_page }: Paging): Promise<EventWithVenue[]> {
  const events = await db.all<Event>(
    'SELECT * FROM events WHERE deleted_at IS NULL ORDER BY id DESC LIMIT ? OFFSET ?',
    [per_page, (page - 1) * per_page],
  );
  return withVenues(db, events);
}

async function withVenues(db: Queries, events: Event[]): Promise<EventWithVenue[]> {
  const list: EventWithVenue[] = [];
  for (const event of events) list.push({ ...event, venue: await venueOf(db, event) });
  return list;
}

export async function venueOf(db: Queries, event: Event): Promise<Venue> {
  const venue = await db.one<Venue>('SELECT * FROM venues WHERE id = ?', [event.venue_id]);
  if (venue === undefined) throw new Error(`event ${event.id} has no venue`);
  return venue;
}

export function listVenues(db: Queries): Promise<Venue[]> {
  return db.all<Venue>('SELECT * FROM venues ORDER BY name, id');
}

export async function listCategories(db: Queries): Promise<string[]> {
  const rows = await db.all<{ category: string }>(
    `SELECT DISTINCT category FROM events WHERE status = 'on_sale' AND deleted_at IS NULL ORDER BY category`,
  );
  return rows.map((row) => row.category);
}

/** Drafts and cancelled events are found, deleted ones are not. */
export function findEvent(db: Queries, id: number): Promise<Event | undefined> {
  return db.one<Event>('SELECT * FROM events WHERE id = ? AND deleted_at IS NULL', [id]);
}

export async function updateEvent(db: Queries, id: number, changes: EventChanges): Promise<void> {
  await db.run(
    `UPDATE events SET title = ?, description = ?, category = ?, venue_id = ?, starts_at = ?, price_cents = ?,
       status = ?, updated_at = ? WHERE id = ?`,
    [
      changes.title,
      changes.description,
      changes.category,
      changes.venue_id,
      changes.starts_at,
      changes.price_cents,
      changes.status,
      now(),
      id,
    ],
  );
}

/** Adds tickets, or takes some away: neither number goes below 0. False when refused. */
export async function addStock(db: Queries, id: number, add: number): Promise<boolean> {
  const changed = await db.run(
    `UPDATE events SET stock = stock + ?, total_stock = total_stock + ?, updated_at = ?
     WHERE id = ? AND deleted_at IS NULL AND stock + ? >= 0 AND total_stock + ? >= 0`,
    [add, add, now(), id, add, add],
  );
  return changed === 1;
}

/** Takes tickets for a booking. False when there are too few. */
export async function takeStock(tx: Queries, id: number, tickets: number): Promise<boolean> {
  const changed = await tx.run(
    'UPDATE events SET stock = stock - ?, updated_at = ? WHERE id = ? AND stock >= ?',
    [tickets, now(), id, tickets],
  );
  return changed === 1;
}

/** Gives a booking's tickets back. */
export async function returnStock(tx: Queries, id: number, tickets: number): Promise<void> {
  await tx.run('UPDATE events SET stock = stock + ?, updated_at = ? WHERE id = ?', [tickets, now(), id]);
}

export async function remainingStock(db: Queries, id: number): Promise<number | undefined> {
  const row = await db.one<{ stock: number }>('SELECT stock FROM events WHERE id = ?', [id]);
  return row?.stock;
}

/** Stock by event id, of the events on sale. */
export async function stockOnSale(db: Queries): Promise<Record<string, number>> {
  const rows = await db.all<{ id: number; stock: number }>(
    `SELECT id, stock FROM events WHERE status = 'on_sale' AND deleted_at IS NULL ORDER BY id`,
  );
  return Object.fromEntries(rows.map((row) => [row.id, row.stock]));
}
