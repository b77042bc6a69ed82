import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../testing/postgres.ts';
import { buildInventory } from '../../inventory/app.ts';
import { item, putItems } from '../../inventory/testing/items.ts';
import { listen } from '../../service-kit/testing/listen.ts';
import { testSecret } from '../../service-kit/testing/service-process.ts';
import { buildBooking } from '../app.ts';
import { bookAll, bookOnce, settled } from '../testing/buying.ts';

// Two instances of booking and two of inventory, each pair on one PostgreSQL database.

let stock: TestDatabase;
let books: TestDatabase;
let inventories: Awaited<ReturnType<typeof listen>>[];
let bookings: Awaited<ReturnType<typeof listen>>[];

beforeAll(async () => {
  [stock, books] = await Promise.all([createDatabase(), createDatabase()]);
  const inventory = async () =>
    listen(await buildInventory({ databaseUrl: stock.url, identity: { secret: testSecret } }));
  inventories = await Promise.all([inventory(), inventory()]);
  bookings = await Promise.all(
    inventories.map(async ({ url }) =>
      listen(
        await buildBooking({ databaseUrl: books.url, identity: { secret: testSecret }, inventoryUrl: url }),
      ),
    ),
  );
  await putItems(stock.url, [item({ event_id: 1, stock: 1000 }), item({ event_id: 2, stock: 40 })]);
});

afterAll(async () => {
  await Promise.all(bookings.map((booking) => booking.close()));
  await Promise.all(inventories.map((inventory) => inventory.close()));
  await Promise.all([stock.drop(), books.drop()]);
});

const sold = (eventId: number, initial: number) =>
  settled({ stockUrl: stock.url, booksUrl: books.url, eventId, initial });

test('one key that comes to both at once books once', async () => {
  const keys = Array.from({ length: 20 }, (_, index) => `both-${index}`);
  const replies = await Promise.all(
    keys.flatMap((key) => bookings.map((booking) => bookOnce(booking, 1, key))),
  );
  const statuses = new Set(replies.map((reply) => reply?.status));
  expect([...statuses].filter((status) => status !== 201 && status !== 409)).toEqual([]);
  await Promise.all(bookings.map((booking) => bookAll(booking, 1, keys)));
  expect(await sold(1, 1000)).toBe(20);
});

test('both together sell exactly what there is', async () => {
  const replies = await Promise.all(
    Array.from({ length: 80 }, (_, index) =>
      bookOnce(bookings[index % 2] ?? { url: '' }, 2, `rush-${index}`),
    ),
  );
  expect(replies.filter((reply) => reply?.status === 201)).toHaveLength(40);
  expect(replies.filter((reply) => reply?.json.error === 'not enough tickets')).toHaveLength(40);
  expect(await sold(2, 40)).toBe(40);
});
