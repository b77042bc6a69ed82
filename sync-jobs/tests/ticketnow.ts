import { readFileSync } from 'node:fs';
import type { Migration } from 'kysely/migration';
import { migrations as bookingMigrations } from '../../extracted/booking/schema.ts';
import { migrations as inventoryMigrations } from '../../extracted/inventory/schema.ts';
import { profilesTable } from '../../extracted/profile/migrations/0001-profiles.ts';
import { migrate } from '../../extracted/service-kit/migrations.ts';
import { openStore } from '../../extracted/service-kit/store.ts';
import type { TestDatabase } from './databases.ts';

/** The monolith's tables, as the monolith makes them. */
export async function createLegacyTables(database: TestDatabase): Promise<void> {
  const file = new URL(`../../legacy-monolith/db/schema.${database.dialect}.sql`, import.meta.url);
  await database.script(readFileSync(file, 'utf8'));
  await database.query("INSERT INTO venues (id, name, city, capacity) VALUES (1, 'Halle', 'Köln', 900)");
}

/** A service's tables, by the service's own migrations. */
export async function createServiceTables(group: string, database: TestDatabase): Promise<void> {
  const migrations: Record<string, Record<string, Migration>> = {
    booking: bookingMigrations,
    inventory: inventoryMigrations,
    profile: { '0001-profiles': profilesTable(database.dialect) },
  };
  const store = openStore(database.url);
  try {
    await migrate(store, migrations[group]!);
  } finally {
    await store.close();
  }
}

type Cells = Record<string, string | number | null>;

async function insert(database: TestDatabase, table: string, rows: Cells[]): Promise<void> {
  const columns = Object.keys(rows[0]!);
  const marks = `(${columns.map(() => '?').join(', ')})`;
  await database.query(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${rows.map(() => marks).join(', ')}`,
    ...rows.flatMap((row) => Object.values(row)),
  );
}

export function insertEvent(database: TestDatabase, id: number, different: Cells = {}): Promise<void> {
  return insert(database, 'events', [event(id, different)]);
}

export function insertEvents(database: TestDatabase, ids: number[]): Promise<void> {
  return insert(
    database,
    'events',
    ids.map((id) => event(id)),
  );
}

function event(id: number, different: Cells = {}): Cells {
  return {
    id,
    title: `Event ${id}`,
    slug: `event-${id}`,
    description: '',
    category: 'rock',
    venue_id: 1,
    starts_at: '2026-12-24 20:00:00',
    price_cents: 4950,
    stock: 100,
    total_stock: 500,
    status: 'on_sale',
    created_at: '2026-01-01 00:00:00',
    updated_at: '2026-11-20 10:00:00',
    deleted_at: null,
    ...different,
  };
}

export function insertUser(database: TestDatabase, id: number, different: Cells = {}): Promise<void> {
  return insert(database, 'users', [user(id, different)]);
}

export function insertUsers(database: TestDatabase, ids: number[]): Promise<void> {
  return insert(
    database,
    'users',
    ids.map((id) => user(id)),
  );
}

function user(id: number, different: Cells = {}): Cells {
  return {
    id,
    email: `user${id}@example.com`,
    password_hash: 'x',
    full_name: `User ${id}`,
    newsletter: id % 2,
    created_at: '2026-01-01 00:00:00',
    updated_at: '2026-11-20 10:00:00',
    deleted_at: null,
    ...different,
  };
}

/** Needs user 1 and event 1. */
export function insertBooking(database: TestDatabase, id: number, different: Cells = {}): Promise<void> {
  return insert(database, 'bookings', [booking(id, different)]);
}

export function insertBookings(database: TestDatabase, ids: number[]): Promise<void> {
  return insert(
    database,
    'bookings',
    ids.map((id) => booking(id)),
  );
}

function booking(id: number, different: Cells = {}): Cells {
  return {
    id,
    user_id: 1,
    event_id: 1,
    num_tickets: 2,
    unit_price_cents: 4950,
    total_cents: 9900,
    status: 'pending',
    created_at: '2026-11-20 10:00:00',
    expires_at: '2026-11-21 10:00:00',
    paid_at: null,
    cancelled_at: null,
    ...different,
  };
}

function time(text: string | null | undefined): string | null {
  return text == null ? null : String(Date.parse(`${text.replace(' ', 'T')}Z`));
}

/** What each group's table has to hold while the service has written nothing: said once more, by hand. */
export const expectedRows: Record<string, (legacy: TestDatabase) => Promise<unknown[]>> = {
  inventory: async (legacy) =>
    (await legacy.query('SELECT * FROM events ORDER BY id')).map((row) => ({
      event_id: row.id,
      title: row.title,
      price_cents: row.price_cents,
      sale_status: row.status,
      starts_at: time(row.starts_at),
      withdrawn_at: time(row.deleted_at),
      stock: row.stock,
      capacity: row.total_stock,
      updated_at: time(row.updated_at),
      written_by: 'sync',
    })),
  profile: async (legacy) =>
    (await legacy.query('SELECT * FROM users WHERE deleted_at IS NULL ORDER BY id')).map((row) => ({
      user_id: row.id,
      full_name: row.full_name,
      phone: row.phone,
      city: row.city,
      bio: row.bio,
      newsletter: row.newsletter,
      updated_at: time(row.updated_at),
      written_by: 'sync',
    })),
  booking: async (legacy) =>
    (await legacy.query('SELECT * FROM bookings ORDER BY id')).map((row) => ({
      id: row.id,
      user_id: row.user_id,
      event_id: row.event_id,
      quantity: row.num_tickets,
      unit_price_cents: row.unit_price_cents,
      total_cents: row.total_cents,
      state: row.status,
      created_at: time(row.created_at),
      expires_at: time(row.expires_at),
      paid_at: time(row.paid_at),
      cancelled_at: time(row.cancelled_at),
      reservation_id: null,
      saga_deadline: null,
      written_by: 'sync',
    })),
};

const tables: Record<string, string> = {
  inventory: 'items ORDER BY event_id',
  profile: 'profiles ORDER BY user_id',
  booking: 'bookings ORDER BY id',
};

/** The rows that a group's service has. */
export function actualRows(group: string, service: TestDatabase): Promise<Record<string, string | null>[]> {
  return service.query(`SELECT * FROM ${tables[group]}`);
}
