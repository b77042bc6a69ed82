import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestDatabase } from '../../../testing/postgres.ts';
import { buildInventory } from '../../inventory/app.ts';
import { item, putItems } from '../../inventory/testing/items.ts';
import { createSqlite } from '../../service-kit/testing/databases.ts';
import { listen } from '../../service-kit/testing/listen.ts';
import { type ServiceProcess, testSecret } from '../../service-kit/testing/service-process.ts';
import { bookAll, bookOnce, bookUntilAnswered, settled } from '../testing/buying.ts';
import { type FaultyProxy, startFaultyProxy } from '../testing/faulty-proxy.ts';
import { startBooking } from '../testing/start-booking.ts';

// kill -9 of a real booking process on an SQLite file: between any two steps of the saga, and in mid-burst.

const initial = 1000;
const burst = 150;

let stock: TestDatabase;
let inventory: Awaited<ReturnType<typeof listen>>;
let proxy: FaultyProxy;
let books: TestDatabase;
let booking: ServiceProcess;
let event = 0;

beforeAll(async () => {
  stock = await createSqlite();
  inventory = await listen(
    await buildInventory({ databaseUrl: stock.url, identity: { secret: testSecret } }),
  );
  proxy = await startFaultyProxy(inventory.url);
});

afterAll(async () => {
  await proxy.close();
  await inventory.close();
  await stock.drop();
});

beforeEach(async () => {
  event += 1;
  proxy.fault = () => undefined;
  await putItems(stock.url, [item({ event_id: event, stock: initial })]);
  books = await createSqlite();
  booking = await startBooking(books.url, proxy.url);
});

afterEach(async () => {
  await booking.stop('SIGKILL');
  await books.drop();
});

const restart = async () => {
  booking = await startBooking(books.url, proxy.url);
};
const sold = () => settled({ stockUrl: stock.url, booksUrl: books.url, eventId: event, initial });

test.each([
  ['before its reservation reaches inventory', 'reserve', 'before', 0],
  ['with a reservation and no record of it', 'reserve', 'after', 0],
  ['with a record and no confirmation', 'confirm', 'before', 0],
  ['with a confirmation that it has not settled', 'confirm', 'after', 1],
] as const)('killed %s: nothing is lost, and the repeat books once', async (_name, step, when, recovered) => {
  const killed = Promise.withResolvers<void>();
  proxy.fault = (current) => {
    if (current !== step) return undefined;
    proxy.fault = () => undefined;
    return { [when]: () => booking.stop('SIGKILL').then(() => killed.resolve()) };
  };
  const first = bookOnce(booking, event, 'k');
  await killed.promise;
  expect(await first).toBeUndefined();
  await restart();
  expect(await sold()).toBe(recovered);
  const reply = await bookUntilAnswered(booking, event, 'k');
  expect(reply.headers.get('idempotent-replayed')).toBe(recovered === 1 ? 'true' : null);
  expect((await bookOnce(booking, event, 'k'))?.text).toBe(reply.text);
  expect(await sold()).toBe(1);
});

test('killed in the middle of a burst: every answer holds, and no key books twice', async () => {
  const keys = Array.from({ length: burst }, (_, index) => `burst-${index}`);
  const answered = new Map<string, string>();
  const enough = Promise.withResolvers<void>();
  const all = Promise.all(
    keys.map(async (key) => {
      const reply = await bookOnce(booking, event, key);
      if (reply?.status === 201) answered.set(key, reply.text);
      if (answered.size === 20) enough.resolve();
    }),
  );
  // On a machine too slow for twenty, every request ends all the same, some of them refused.
  await Promise.race([enough.promise, all]);
  await booking.stop('SIGKILL');
  await all;
  expect(answered.size).toBeLessThan(burst);
  await restart();
  expect(await sold()).toBeGreaterThanOrEqual(answered.size);
  for (const [key, text] of answered) {
    const repeat = await bookOnce(booking, event, key);
    expect([repeat?.text, repeat?.headers.get('idempotent-replayed')]).toEqual([text, 'true']);
  }
  await bookAll(booking, event, keys);
  expect(await sold()).toBe(burst);
});
