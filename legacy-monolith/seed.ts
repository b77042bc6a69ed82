import type { Database, Queries, Value } from './db/database.ts';
import { now } from './formats.ts';
import { makeComments, makePosts } from './seeding/blog.ts';
import { createCalendar } from './seeding/calendar.ts';
import { makeEvents, makeVenues } from './seeding/catalogue.ts';
import { makeUsers } from './seeding/people.ts';
import { makeBookings } from './seeding/sales.ts';

export interface SeedOptions {
  /** 1 is about 500 events, 20,000 users and 100,000 bookings; 0.02 is 10, 400 and 2,000. */
  scale: number;
  /** The day that counts as today, 'YYYY-MM-DD'; default: today in UTC. Same scale and day, same rows. */
  baseDate?: string;
  /** Deletes what is there first; default false. */
  force?: boolean;
  onProgress?: (progress: SeedProgress) => void;
}

export interface SeedProgress {
  /** The table being filled. */
  table: string;
  /** Rows inserted so far, and in the end, of all tables. */
  done: number;
  total: number;
}

/** The database has rows already, which seeding would mix with its own. */
export class DatabaseNotEmptyError extends Error {
  readonly code = 'database_not_empty';
  readonly hint = 'Add --force to delete everything in it first.';
  override readonly name = 'DatabaseNotEmptyError';

  constructor() {
    super('the database is not empty');
  }
}

const tables = ['venues', 'users', 'events', 'bookings', 'posts', 'comments'] as const;
type Table = (typeof tables)[number];
type Row = object;

const ROWS_PER_INSERT = 500;

/** Fills the database in one transaction: all of it or nothing. Answers how many rows each table got. */
export async function seed(db: Database, options: SeedOptions): Promise<Record<Table, number>> {
  const data = makeRows(options.scale, options.baseDate ?? now().slice(0, 10));
  const total = tables.reduce((sum, table) => sum + data[table].length, 0);
  let done = 0;
  await db.transaction(async (tx) => {
    if (options.force) await deleteEverything(tx, db.dialect);
    else if (!(await isEmpty(tx))) throw new DatabaseNotEmptyError();
    for (const table of tables) {
      for (let from = 0; from < data[table].length; from += ROWS_PER_INSERT) {
        const rows = data[table].slice(from, from + ROWS_PER_INSERT);
        await insertRows(tx, table, rows);
        done += rows.length;
        options.onProgress?.({ table, done, total });
      }
      if (db.dialect === 'postgres') await continueIds(tx, table);
    }
  });
  return Object.fromEntries(tables.map((table) => [table, data[table].length])) as Record<Table, number>;
}

export async function isEmpty(db: Queries): Promise<boolean> {
  for (const table of tables) {
    if ((await db.one(`SELECT id FROM ${table} LIMIT 1`)) !== undefined) return false;
  }
  return true;
}

function makeRows(scale: number, baseDate: string): Record<Table, Row[]> {
  const calendar = createCalendar(baseDate);
  const count = (atScaleOne: number, least: number) => Math.max(least, Math.round(atScaleOne * scale));
  const users = [...makeUsers(count(20_000, 3), calendar)];
  const venues = makeVenues(count(40, 3));
  const planned = makeEvents(count(500, 1), venues, calendar);
  const bookings = makeBookings(count(100_000, 1), users.length, planned, calendar);
  const posts = makePosts(count(60, 5), calendar);
  const comments = makeComments(4 * posts.length, posts, users.length, calendar);
  const events = planned.map(({ kind: _, ...event }) => event);
  return { venues, users, events, bookings, posts, comments };
}

async function insertRows(tx: Queries, table: Table, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0]!);
  const placeholders = `(${columns.map(() => '?').join(', ')})`;
  await tx.run(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${rows.map(() => placeholders).join(', ')}`,
    rows.flatMap((row) => Object.values(row) as Value[]),
  );
}

async function deleteEverything(tx: Queries, dialect: Database['dialect']): Promise<void> {
  await tx.run('DELETE FROM sessions');
  for (const table of tables.toReversed()) {
    await tx.run(`DELETE FROM ${table}`);
    if (dialect === 'sqlite') await tx.run('DELETE FROM sqlite_sequence WHERE name = ?', [table]);
  }
}

/** On PostgreSQL the next id does not follow from the highest one by itself. */
async function continueIds(tx: Queries, table: Table): Promise<void> {
  await tx.one(`SELECT setval(pg_get_serial_sequence('${table}', 'id'), MAX(id)) FROM ${table}`);
}
