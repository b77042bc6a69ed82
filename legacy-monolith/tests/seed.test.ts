import { execFile } from 'node:child_process';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../db/database.ts';
import { DatabaseNotEmptyError, type SeedOptions, seed } from '../seed.ts';
import { createSqliteFile, databases, type TestStore } from './ticketnow.ts';

const tables = ['venues', 'users', 'events', 'bookings', 'posts', 'comments'];
const options: SeedOptions = { scale: 0.02, baseDate: '2026-11-20' };

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work();
});

async function openEmpty(createStore: () => Promise<TestStore>): Promise<Database> {
  const store = await createStore();
  cleanUp.push(() => store.drop());
  const db = await openDatabase(store.url);
  cleanUp.push(() => db.close());
  return db;
}

async function everything(db: Database): Promise<Record<string, unknown[]>> {
  const rows: Record<string, unknown[]> = {};
  for (const table of tables) rows[table] = await db.all(`SELECT * FROM ${table} ORDER BY id`);
  return rows;
}

test('same scale and day, same rows, on both databases', async () => {
  const [first, second, postgres] = [
    await openEmpty(databases[0]![1]),
    await openEmpty(databases[0]![1]),
    await openEmpty(databases[1]![1]),
  ];
  await seed(first, options);
  await seed(second, options);
  await seed(postgres, options);
  const rows = await everything(first);
  expect(await everything(second)).toEqual(rows);
  expect(await everything(postgres)).toEqual(rows);
  await seed(second, { ...options, baseDate: '2026-11-21', force: true });
  expect(await everything(second)).not.toEqual(rows);
});

describe.each(databases)('the seed on %s', (_name, createStore) => {
  test('counts follow the scale', async () => {
    const db = await openEmpty(createStore);
    expect(await seed(db, options)).toEqual({
      venues: 3,
      users: 400,
      events: 10,
      bookings: 2_000,
      posts: 5,
      comments: 20,
    });
  });

  test('stock is what the bookings leave, and every kind of event and booking is there', async () => {
    const db = await openEmpty(createStore);
    await seed(db, options);
    const events = await db.all<{ id: number; stock: number; total_stock: number; sold: number }>(
      `SELECT id, stock, total_stock, (SELECT COALESCE(SUM(num_tickets), 0) FROM bookings
         WHERE event_id = events.id AND status IN ('pending', 'paid')) AS sold FROM events ORDER BY id`,
    );
    for (const { stock, total_stock, sold } of events) {
      expect(stock).toBe(total_stock - sold);
      expect(stock).toBeGreaterThanOrEqual(0);
    }
    expect(events[2]!.stock).toBe(0);
    expect(events[4]!.stock).toBe(3);
    const statuses = await db.all('SELECT DISTINCT status FROM bookings ORDER BY status');
    expect(statuses).toEqual(['cancelled', 'expired', 'paid', 'pending'].map((status) => ({ status })));
    const wrong = await db.one<{ n: number }>(
      `SELECT COUNT(*) AS n FROM bookings WHERE total_cents <> unit_price_cents * num_tickets
         OR (status = 'paid') <> (paid_at IS NOT NULL) OR (status = 'cancelled') <> (cancelled_at IS NOT NULL)`,
    );
    expect(wrong?.n).toBe(0);
  });

  test('refuses a database with rows, unless forced; new ids follow the seeded ones', async () => {
    const db = await openEmpty(createStore);
    await seed(db, options);
    const rows = await everything(db);
    await expect(seed(db, options)).rejects.toThrow(DatabaseNotEmptyError);
    await db.run(`INSERT INTO venues (name, city, capacity) VALUES ('New', 'Rome', 5)`);
    expect(await db.one('SELECT MAX(id) AS id FROM venues')).toEqual({ id: 4 });
    await seed(db, { ...options, force: true });
    expect(await everything(db)).toEqual(rows);
    await db.run(`INSERT INTO venues (name, city, capacity) VALUES ('New', 'Rome', 5)`);
    expect(await db.one('SELECT MAX(id) AS id FROM venues')).toEqual({ id: 4 });
  });
});

test('a failure half-way leaves the database empty', async () => {
  const db = await openEmpty(createSqliteFile);
  await db.run('DROP TABLE posts');
  await expect(seed(db, { ...options, force: true })).rejects.toThrow('posts');
  expect(await db.one('SELECT COUNT(*) AS n FROM users')).toEqual({ n: 0 });
});

describe('the command', () => {
  test('fills, refuses with one line, and shows its help', async () => {
    const store = await createSqliteFile();
    cleanUp.push(() => store.drop());
    const first = await command(store.url, '--scale', '0.02', '--base-date', '2026-11-20');
    expect(first).toEqual({
      code: 0,
      stdout:
        'seeded 3 venues, 400 users, 10 events, 2000 bookings, 5 posts, 20 comments around 2026-11-20\n',
      stderr: '',
    });
    const second = await command(store.url, '--scale', '0.02');
    expect(second).toEqual({
      code: 1,
      stdout: '',
      stderr: 'seed: the database is not empty. Add --force to delete everything in it first.\n',
    });
    expect((await command(store.url, '--scale', '0.02', '--force')).code).toBe(0);
    expect((await command(store.url, '--help')).stdout).toMatch(
      /Examples:\n {2}node legacy-monolith\/seed\.js/,
    );
  });

  test.each([
    [
      ['--scale', 'big'],
      'seed: --scale is not a scale: big. Use a number above 0 and up to 100, such as 0.02.\n',
    ],
    [['--base-date', '2026-02-30'], 'seed: --base-date is not a day: 2026-02-30. Write it as 2026-11-20.\n'],
    [['--scal', '1'], expect.stringMatching(/^seed: Unknown option '--scal'.*See --help\.\n$/)],
  ])('refuses %j', async (args, stderr) => {
    expect(await command('sqlite:/nowhere', ...args)).toEqual({ code: 2, stdout: '', stderr });
  });
});

function command(url: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = path.join(import.meta.dirname, '../seed.js');
  const env = { ...process.env, LEGACY_DATABASE_URL: url };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
