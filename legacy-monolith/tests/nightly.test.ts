import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expireBookings, scheduleNightly } from '../jobs/nightly.ts';
import { databases, startTicketNow, type TicketNow } from './ticketnow.ts';

describe.each(databases)('the nightly job on %s', (_name, createStore) => {
  let shop: TicketNow;
  beforeEach(async () => {
    shop = await startTicketNow(createStore);
    await shop.db.run(`UPDATE bookings SET expires_at = '2099-01-01 00:00:00' WHERE status = 'pending'`);
  });
  afterEach(() => shop.close());

  test('expires the unpaid bookings that fell due, and gives their tickets back', async () => {
    const user2 = await shop.loggedIn(2);
    const stock = async () => (await user2.get('/api/inventory/1')).body.stock;
    const book = async () =>
      (await user2.post('/api/bookings').send({ event_id: 1, num_tickets: 2 }).expect(201)).body.id as number;
    const status = async (id: number) => (await user2.get(`/api/bookings/${id}`)).body.status;
    const before = await stock();
    const [overdue, paid, cancelled, waiting] = [await book(), await book(), await book(), await book()];
    await user2.post(`/account/bookings/${paid}/pay`).expect(302);
    await user2.post(`/api/bookings/${cancelled}/cancel`).expect(200);
    await shop.db.run(`UPDATE bookings SET expires_at = '2020-01-01 00:00:00' WHERE id IN (?, ?, ?)`, [
      overdue,
      paid,
      cancelled,
    ]);

    expect(await expireBookings(shop.db, shop.feed)).toBe(1);

    expect(await Promise.all([overdue, paid, cancelled, waiting].map(status))).toEqual(
      ['expired', 'paid', 'cancelled', 'pending'], // in this order
    );
    expect(await stock()).toBe(before - 4);
    expect(await expireBookings(shop.db, shop.feed)).toBe(0);
    expect(await stock()).toBe(before - 4);
  });

  test('two runs at once give the tickets back once', async () => {
    const user2 = await shop.loggedIn(2);
    const before = (await user2.get('/api/inventory/1')).body.stock;
    const { body } = await user2.post('/api/bookings').send({ event_id: 1, num_tickets: 5 }).expect(201);
    await shop.db.run(`UPDATE bookings SET expires_at = '2020-01-01 00:00:00' WHERE id = ?`, [body.id]);
    const runs = await Promise.all([expireBookings(shop.db, shop.feed), expireBookings(shop.db, shop.feed)]);
    expect(runs.toSorted()).toEqual([0, 1]);
    expect((await user2.get('/api/inventory/1')).body.stock).toBe(before);
  });

  test('runs on its schedule and says what it did', async () => {
    const lines = new EventEmitter();
    const log = {
      log: (line: string) => lines.emit('line', line),
      error: (line: string) => lines.emit('error', line),
    };
    const stop = scheduleNightly('* * * * * *', { db: shop.db, feed: shop.feed, log });
    const [line] = await once(lines, 'line');
    expect(line).toBe('nightly job: 0 bookings expired, 0 old sessions deleted');
    await stop();
  });
});
