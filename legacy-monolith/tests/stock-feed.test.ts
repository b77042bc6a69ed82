import { on, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Database } from '../db/database.ts';
import { expireBookings } from '../jobs/nightly.ts';
import { createStockFeed } from '../live/stock-feed.ts';
import { databases, startTicketNow, type TicketNow } from './ticketnow.ts';

interface Message {
  type: 'snapshot' | 'stock';
  stock: Record<string, number> | number;
  event_id?: number;
}

describe.each(databases)('the live stock feed on %s', (_name, createStore) => {
  let shop: TicketNow;
  beforeEach(async () => {
    shop = await startTicketNow(createStore);
  });
  afterEach(() => shop.close());

  /** Connects; `next` answers the feed's messages one after another. */
  function listen(host = shop.host): { socket: WebSocket; next(): Promise<Message> } {
    const socket = new WebSocket(`ws://${host}/live/stock`);
    const messages = on(socket, 'message');
    return { socket, next: async () => JSON.parse(String((await messages.next()).value?.[0])) };
  }

  test('starts with the stock of the events on sale', async () => {
    const rows = await shop.db.all<{ id: number; stock: number }>(
      `SELECT id, stock FROM events WHERE id IN (1, 2, 3, 5, 6, 9, 10)`,
    );
    const { socket, next } = listen();
    expect(await next()).toEqual({
      type: 'snapshot',
      stock: Object.fromEntries(rows.map(({ id, stock }) => [id, stock])),
    });
    socket.terminate();
  });

  test('tells every listener each change: booking, cancelling, expiring, the admin', async () => {
    const listeners = [listen(), listen()];
    const snapshots = await Promise.all(listeners.map(({ next }) => next()));
    const stock = (snapshots[0]!.stock as Record<string, number>)[1]!;
    const news = () => Promise.all(listeners.map(({ next }) => next()));
    const both = (stock: number) => Array.from({ length: 2 }, () => ({ type: 'stock', event_id: 1, stock }));

    const user2 = await shop.loggedIn(2);
    const { body } = await user2.post('/api/bookings').send({ event_id: 1, num_tickets: 3 }).expect(201);
    expect(await news()).toEqual(both(stock - 3));
    await user2.post(`/api/bookings/${body.id}/cancel`).expect(200);
    expect(await news()).toEqual(both(stock));

    const admin = await shop.loggedIn(1);
    await admin.post('/admin/events/1/stock').type('form').send({ add: '7' }).expect(302);
    expect(await news()).toEqual(both(stock + 7));

    const unpaid = await user2.post('/api/bookings').send({ event_id: 1, num_tickets: 2 }).expect(201);
    expect(await news()).toEqual(both(stock + 5));
    await shop.db.run(`UPDATE bookings SET expires_at = '2099-01-01 00:00:00' WHERE status = 'pending'`);
    await shop.db.run(`UPDATE bookings SET expires_at = '2020-01-01 00:00:00' WHERE id = ?`, [
      unpaid.body.id,
    ]);
    await expireBookings(shop.db, shop.feed);
    expect(await news()).toEqual(both(stock + 7));
    for (const { socket } of listeners) socket.terminate();
  });

  test('the last number under load is the true one', async () => {
    const { socket, next } = listen();
    await next();
    const user2 = await shop.loggedIn(2);
    const { body: before } = await user2.get('/api/inventory/1');
    await Promise.all(
      Array.from({ length: 20 }, () =>
        user2.post('/api/bookings').send({ event_id: 1, num_tickets: 1 }).expect(201),
      ),
    );
    const numbers: unknown[] = [];
    while (numbers.length < 20) numbers.push((await next()).stock);
    expect(numbers.at(-1)).toBe(before.stock - 20);
    expect(numbers).toEqual(numbers.toSorted((a, b) => Number(b) - Number(a)));
    socket.terminate();
  });

  test('a change during the reading of a snapshot is not lost', async () => {
    const reading = Promise.withResolvers<void>();
    const readOn = Promise.withResolvers<void>();
    const slow: Database = {
      ...shop.db,
      async all<Row>(sql: string) {
        const rows = await shop.db.all<Row>(sql);
        reading.resolve();
        await readOn.promise;
        return rows;
      },
    };
    const feed = createStockFeed(slow, { log: () => undefined, error: () => undefined });
    const server = createServer().listen(0, '127.0.0.1');
    feed.attach(server);
    await once(server, 'listening');
    const { socket, next } = listen(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    await reading.promise;
    await shop.db.run('UPDATE events SET stock = 77 WHERE id = 1');
    feed.stockChanged(1);
    readOn.resolve();
    expect(await next()).toMatchObject({ type: 'snapshot' });
    expect(await next()).toEqual({ type: 'stock', event_id: 1, stock: 77 });
    socket.terminate();
    feed.close();
    server.close();
  });

  test('other paths and plain requests are no feed', async () => {
    const elsewhere = new WebSocket(`ws://${shop.host}/live/other`);
    const [error] = await once(elsewhere, 'error');
    expect(String(error)).toContain('404');
    await shop.visitor().get('/live/stock').expect(404);
  });

  test('a listener that sends too much is cut off, the others are not', async () => {
    const loud = listen();
    const quiet = listen();
    await Promise.all([loud.next(), quiet.next()]);
    loud.socket.send('x'.repeat(5_000));
    const [code] = await once(loud.socket, 'close');
    expect(code).toBe(1009);
    shop.feed.stockChanged(1);
    expect(await quiet.next()).toMatchObject({ type: 'stock', event_id: 1 });
    quiet.socket.terminate();
  });

  test('closing says goodbye with 1001', async () => {
    const { socket, next } = listen();
    await next();
    shop.feed.close();
    const [code] = await once(socket, 'close');
    expect(code).toBe(1001);
  });
});
