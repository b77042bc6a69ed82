import { openStore } from '@ticketnow/service-kit/store';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestDatabase } from '../../../testing/postgres.ts';
import { buildInventory } from '../../inventory/app.ts';
import { item, putItems, readItem, reserved } from '../../inventory/testing/items.ts';
import { callerOf } from '../../service-kit/testing/caller.ts';
import { databases } from '../../service-kit/testing/databases.ts';
import { listen } from '../../service-kit/testing/listen.ts';
import { testSecret } from '../../service-kit/testing/service-process.ts';
import { buildBooking } from '../app.ts';
import type { BookingSchema } from '../schema.ts';
import { type FaultyProxy, type Step, startFaultyProxy } from '../testing/faulty-proxy.ts';
import { readBooks } from '../testing/start-booking.ts';

// The network between booking and inventory loses calls and answers at every step of the saga.

const initial = 100;

describe.each(databases)('lost calls and answers on $name', ({ create }) => {
  let stock: TestDatabase;
  let books: TestDatabase;
  let inventory: Awaited<ReturnType<typeof listen>>;
  let service: Awaited<ReturnType<typeof listen>>;
  let proxy: FaultyProxy;
  let call: ReturnType<typeof callerOf>;
  let event = 0;
  const anna = { userId: 1, role: 'customer' as const };

  beforeAll(async () => {
    [stock, books] = await Promise.all([create(), create()]);
    inventory = await listen(
      await buildInventory({ databaseUrl: stock.url, identity: { secret: testSecret }, sweepEveryMs: 100 }),
    );
    proxy = await startFaultyProxy(inventory.url);
    service = await listen(
      await buildBooking({
        databaseUrl: books.url,
        identity: { secret: testSecret },
        inventoryUrl: proxy.url,
        sweepEveryMs: 100,
        inventory: { attemptTimeoutMs: 300, retries: 2, breakAfter: 1000 },
        saga: { holdSeconds: 1, budgetMs: 2000, recoverAfterMs: 500 },
      }),
    );
    call = callerOf(service, 'booking');
  });

  beforeEach(async () => {
    event += 1;
    proxy.fault = () => undefined;
    await putItems(stock.url, [item({ event_id: event, stock: initial })]);
  });

  afterAll(async () => {
    await service.close();
    await proxy.close();
    await inventory.close();
    await Promise.all([stock.drop(), books.drop()]);
  });

  const book = (headers: Record<string, string> = {}) =>
    call('POST', '/api/bookings', { as: anna, json: { event_id: event, num_tickets: 2 }, headers });

  /** Loses the first `times` occasions of a step. */
  const lose = (step: Step, when: 'before' | 'after', times: number) => {
    let left = times;
    proxy.fault = (current) => {
      if (current !== step || left === 0) return undefined;
      left -= 1;
      return { [when]: 'break' };
    };
  };

  /** Waits until nothing is in the making, and proves that no ticket is lost or sold twice. */
  const settled = async () => {
    await expect
      .poll(
        async () => {
          const { sold, confirming, owed } = await readBooks(books.url, event);
          const confirmed = await reserved(stock.url, event, 'confirmed');
          const held = await reserved(stock.url, event, 'held');
          const left = (await readItem(stock.url, event)).stock;
          return { confirming, held, owed, unaccounted: initial - left - sold, unreserved: sold - confirmed };
        },
        { timeout: 8000 },
      )
      .toEqual({ confirming: 0, held: 0, owed: 0, unaccounted: 0, unreserved: 0 });
    return (await readBooks(books.url, event)).sold;
  };

  test.each<[Step, 'before' | 'after']>([
    ['reserve', 'before'],
    ['reserve', 'after'],
    ['confirm', 'before'],
    ['confirm', 'after'],
  ])('%s lost once, %s inventory did it: repeated, and booked once', async (step, when) => {
    lose(step, when, 1);
    expect((await book()).status).toBe(201);
    expect(await settled()).toBe(2);
  });

  test.each<[Step, 'before' | 'after']>([
    ['reserve', 'before'],
    ['reserve', 'after'],
    ['confirm', 'before'],
  ])('%s always lost, %s inventory did it: refused, and nothing is left', async (step, when) => {
    lose(step, when, 3);
    const reply = await book();
    expect([reply.status, reply.text]).toEqual([503, '{"error":"temporarily unavailable"}']);
    expect(reply.headers.get('retry-after')).toBe('2');
    expect(await settled()).toBe(0);
  });

  test('confirm done, every answer lost: the release says so, and the booking stands', async () => {
    lose('confirm', 'after', 3);
    expect((await book()).status).toBe(201);
    expect(await settled()).toBe(2);
  });

  test.each<['before' | 'after', number]>([
    ['before', 0],
    ['after', 2],
  ])(
    'confirm and release lost, %s inventory did it: recovery settles it on %i tickets',
    async (when, sold) => {
      proxy.fault = (step) => (step === 'confirm' || step === 'release' ? { [when]: 'break' } : undefined);
      const key = { 'idempotency-key': `lost-${when}` };
      expect((await book(key)).status).toBe(503);
      // Still open: a repeat may not book again.
      expect((await book(key)).status).toBe(409);
      expect((await readBooks(books.url, event)).confirming).toBe(1);
      proxy.fault = () => undefined;
      expect(await settled()).toBe(sold);
      const repeat = await book(key);
      expect([repeat.status, repeat.headers.get('idempotent-replayed')]).toEqual([
        201,
        sold === 2 ? 'true' : null,
      ]);
      expect(await settled()).toBe(2);
    },
  );

  test('a confirmation that comes after the hold ran out books nothing', async () => {
    proxy.fault = (step) =>
      step === 'reserve'
        ? { after: () => expect.poll(() => reserved(stock.url, event, 'expired'), { timeout: 4000 }).toBe(2) }
        : undefined;
    expect((await book()).status).toBe(503);
    expect(await settled()).toBe(0);
  });

  test('a slow inventory is not waited for', async () => {
    proxy.fault = (step) => (step === 'reserve' ? { delayMs: 5000 } : undefined);
    const started = Date.now();
    expect((await book()).status).toBe(503);
    expect(Date.now() - started).toBeLessThan(4000);
    expect(await settled()).toBe(0);
  });

  test.each(['before', 'after'] as const)(
    'a return lost %s inventory did it is made good, once',
    async (when) => {
      const { id } = (await book()).json;
      lose('return', when, 3);
      const cancelled = await call('POST', `/api/bookings/${id}/cancel`, { as: anna });
      expect(cancelled.json).toEqual({ ok: true, id, status: 'cancelled' });
      // The confirmed reservation stays as it is; its tickets come back as a return.
      await expect
        .poll(async () => (await readItem(stock.url, event)).stock, { timeout: 8000 })
        .toBe(initial);
      await expect.poll(async () => (await readBooks(books.url, event)).owed, { timeout: 8000 }).toBe(0);
      const store = openStore<BookingSchema>(books.url);
      expect(await store.db.selectFrom('stock_returns').selectAll().execute()).toEqual([]);
      await store.close();
      expect((await readItem(stock.url, event)).stock).toBe(initial);
    },
  );
});
