import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '../../../testing/postgres.ts';
import { item, putItems, startInventory } from '../../inventory/testing/items.ts';
import { callerOf } from '../../service-kit/testing/caller.ts';
import { createSqlite } from '../../service-kit/testing/databases.ts';
import { listen } from '../../service-kit/testing/listen.ts';
import { type ServiceProcess, testSecret } from '../../service-kit/testing/service-process.ts';
import { buildBooking } from '../app.ts';
import { bookAll, bookOnce, bookUntilAnswered, settled } from '../testing/buying.ts';
import { type FaultyProxy, startFaultyProxy } from '../testing/faulty-proxy.ts';
import { readBooks } from '../testing/start-booking.ts';

// kill -9 of a real inventory process on an SQLite file, under a booking service that lives on.

const initial = 1000;
const burst = 150;
const anna = { userId: 1, role: 'customer' as const };

let stock: TestDatabase;
let books: TestDatabase;
let inventory: ServiceProcess;
let proxy: FaultyProxy;
let booking: Awaited<ReturnType<typeof listen>>;

beforeAll(async () => {
  [stock, books] = await Promise.all([createSqlite(), createSqlite()]);
  inventory = await startInventory(stock.url);
  proxy = await startFaultyProxy(inventory.url);
  booking = await listen(
    await buildBooking({
      databaseUrl: books.url,
      identity: { secret: testSecret },
      inventoryUrl: proxy.url,
      sweepEveryMs: 200,
      saga: { holdSeconds: 2, recoverAfterMs: 500 },
      inventory: { halfOpenAfterMs: 1000 },
    }),
  );
  await putItems(
    stock.url,
    [1, 2, 3].map((id) => item({ event_id: id, stock: initial })),
  );
});

afterAll(async () => {
  await booking.close();
  await proxy.close();
  await inventory.stop();
  await Promise.all([stock.drop(), books.drop()]);
});

const restart = async () => {
  inventory = await startInventory(stock.url);
  proxy.target = inventory.url;
};
const sold = (eventId: number) => settled({ stockUrl: stock.url, booksUrl: books.url, eventId, initial });

test('in the middle of a burst: sold and stock still add up', async () => {
  const keys = Array.from({ length: burst }, (_, index) => `burst-${index}`);
  const enough = Promise.withResolvers<void>();
  let answered = 0;
  const all = Promise.all(
    keys.map(async (key) => {
      const reply = await bookOnce(booking, 1, key);
      if (reply?.status === 201) answered += 1;
      if (answered === 20) enough.resolve();
      return reply?.status;
    }),
  );
  await enough.promise;
  await inventory.stop('SIGKILL');
  await restart();
  const statuses = await all;
  expect(statuses.filter((status) => status !== 201 && status !== 503)).toEqual([]);
  expect(await sold(1)).toBeGreaterThanOrEqual(answered);
  await bookAll(booking, 1, keys);
  expect(await sold(1)).toBe(burst);
});

test('a cancellation while it is away gives the tickets back when it returns, once', async () => {
  const call = callerOf(booking, 'booking');
  const { json } = await bookUntilAnswered(booking, 2, 'to-cancel');
  await inventory.stop('SIGKILL');
  const cancelled = await call('POST', `/api/bookings/${json.id}/cancel`, { as: anna });
  expect(cancelled.json).toEqual({ ok: true, id: json.id, status: 'cancelled' });
  expect((await readBooks(books.url, 2)).owed).toBe(1);
  await restart();
  await expect.poll(async () => (await readBooks(books.url, 2)).owed, { timeout: 10_000 }).toBe(0);
  const item = await callerOf(inventory, 'inventory')('GET', '/api/v2/items/2');
  expect(item.json.available).toBe(initial);
});

test('without it: clear refusals, an open breaker, and recovery', async () => {
  await bookUntilAnswered(booking, 3, 'before');
  await inventory.stop('SIGKILL');
  const call = callerOf(booking, 'booking');
  const ready = () => call('GET', '/readyz', { as: null });
  expect((await ready()).json).toEqual({ status: 'unavailable', failing: ['inventory'] });

  const refused = await Promise.all(
    Array.from({ length: 6 }, (_, index) => bookOnce(booking, 3, `down-${index}`)),
  );
  for (const reply of refused) {
    expect([reply?.status, reply?.text]).toEqual([503, '{"error":"temporarily unavailable"}']);
  }
  const calls = proxy.calls.reserve;
  const v2 = await call('POST', '/api/v2/bookings', { as: anna, json: { eventId: 3, quantity: 1 } });
  expect([v2.status, v2.json.code, v2.headers.get('retry-after')]).toEqual([
    503,
    'inventory_unavailable',
    '2',
  ]);
  // Open: that refusal was made without a call.
  expect(proxy.calls.reserve).toBe(calls);

  await restart();
  await bookUntilAnswered(booking, 3, 'after');
  expect((await ready()).status).toBe(200);
  expect(await sold(3)).toBe(2);
});
