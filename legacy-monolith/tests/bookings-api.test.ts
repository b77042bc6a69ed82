import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Booking } from '../models/bookings.ts';
import { type Browser, databases, startTicketNow, type TicketNow } from './ticketnow.ts';

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/;

// The seed's events: 1 plain, 3 sold out, 4 draft, 5 has 3 left, 6 past, 7 cancelled, 8 deleted. User 13 is deleted.
describe.each(databases)('bookings over the JSON API on %s', (_name, createStore) => {
  let shop: TicketNow;
  let visitor: Browser;
  let user2: Browser;
  let admin: Browser;

  beforeAll(async () => {
    shop = await startTicketNow(createStore);
    visitor = shop.visitor();
    user2 = await shop.loggedIn(2);
    admin = await shop.loggedIn(1);
  });

  afterAll(async () => {
    await shop.close();
    expect(shop.errors).toEqual([]);
  });

  async function book(browser: Browser, tickets = 1): Promise<number> {
    const answer = await browser
      .post('/api/bookings')
      .send({ event_id: 1, num_tickets: tickets })
      .expect(201);
    return answer.body.id;
  }

  async function stockOf(eventId: number): Promise<number> {
    return (await visitor.get(`/api/inventory/${eventId}`)).body.stock;
  }

  test('POST takes the tickets off the stock and answers where the booking is', async () => {
    const before = (await visitor.get('/api/inventory/1')).body;
    const answer = await user2
      .post('/api/bookings')
      .send({ event_id: '1', num_tickets: '2 please' })
      .expect(201);
    const { body } = answer;
    expect(answer.headers.location).toBe(`http://${shop.host}/api/bookings/${body.id}`);
    expect(Object.keys(body)).toEqual(
      ['id', 'event_id', 'user_id', 'num_tickets', 'total', 'status', 'created_at', 'expires_at'], // in this order
    );
    expect(body).toMatchObject({ event_id: 1, user_id: 2, num_tickets: 2, status: 'pending' });
    expect(body.total).toBe(((2 * before.price_cents) / 100).toFixed(2));
    expect(body.created_at).toMatch(isoTime);
    expect(Date.parse(body.expires_at) - Date.parse(body.created_at)).toBe(86_400_000);
    const after = (await visitor.get('/api/inventory/1')).body;
    expect(after.stock).toBe(before.stock - 2);
    expect(after.total_stock).toBe(before.total_stock);
    expect(after.updated_at > before.updated_at).toBe(true);
  });

  test('the Location follows the Host header as it was received', async () => {
    const answer = await user2
      .post('/api/bookings')
      .set('Host', 'Tickets.Example.test:8080')
      .set('X-Forwarded-Host', 'evil.test')
      .set('X-Forwarded-Proto', 'https')
      .send({ event_id: 1, num_tickets: 1 })
      .expect(201);
    expect(answer.headers.location).toBe(`http://Tickets.Example.test:8080/api/bookings/${answer.body.id}`);
  });

  test('POST works as a form too', async () => {
    await user2.post('/api/bookings').type('form').send({ event_id: 1, num_tickets: 1 }).expect(201);
  });

  const required = { error: 'event_id and num_tickets are required' };
  const between = { error: 'num_tickets must be between 1 and 10' };
  const unknown = { error: 'event not found' };
  const closed = { error: 'event is not on sale' };
  test.each([
    [{}, 400, required],
    [[], 400, required],
    [{ event_id: 1 }, 400, required],
    [{ event_id: 'x', num_tickets: 0 }, 400, required],
    [{ event_id: null, num_tickets: 1 }, 400, required],
    [{ event_id: { toString: 1 }, num_tickets: 1 }, 400, required],
    [{ event_id: 999, num_tickets: 0 }, 400, between],
    [{ event_id: 1, num_tickets: 11 }, 400, between],
    [{ event_id: 1, num_tickets: -1 }, 400, between],
    [{ event_id: 999, num_tickets: 1 }, 404, unknown],
    [{ event_id: 8, num_tickets: 1 }, 404, unknown],
    [{ event_id: -1, num_tickets: 1 }, 404, unknown],
    [{ event_id: 99_999_999_999, num_tickets: 1 }, 404, unknown],
    [{ event_id: 4, num_tickets: 1 }, 200, closed],
    [{ event_id: 6, num_tickets: 1 }, 200, closed],
    [{ event_id: 7, num_tickets: 1 }, 200, closed],
    [{ event_id: 3, num_tickets: 1 }, 200, { error: 'not enough tickets', remaining: 0 }],
    [{ event_id: 5, num_tickets: 4 }, 200, { error: 'not enough tickets', remaining: 3 }],
  ])('POST refuses %j', async (request, status, answer) => {
    await user2.post('/api/bookings').send(request).expect(status, answer);
  });

  test('another content type is an empty body', async () => {
    await user2
      .post('/api/bookings')
      .type('text/plain')
      .send('{"event_id":1,"num_tickets":1}')
      .expect(400, required);
  });

  test('nothing works without a login, whatever is asked', async () => {
    const answer = { error: 'login required' };
    await visitor.post('/api/bookings').send({}).expect(401, answer);
    await visitor.get('/api/bookings').expect(401, answer);
    await visitor.get('/api/bookings/x').expect(401, answer);
    await visitor.post('/api/bookings/x/cancel').expect(401, answer);
  });

  test('GET lists the own ones, newest first', async () => {
    await book(user2);
    const newest = await book(user2, 3);
    const { body } = await user2.get('/api/bookings?per_page=2').expect(200);
    expect(Object.keys(body)).toEqual(['bookings', 'page', 'per_page', 'total']);
    const counted = await shop.db.one<{ n: number }>('SELECT COUNT(*) AS n FROM bookings WHERE user_id = 2');
    expect(body).toMatchObject({ page: 1, per_page: 2, total: counted?.n });
    expect(body.bookings).toHaveLength(2);
    expect(Object.keys(body.bookings[0])).toEqual(
      ['id', 'event_id', 'num_tickets', 'total_cents', 'status', 'created_at'], // in this order
    );
    expect(body.bookings[0]).toMatchObject({ id: newest, num_tickets: 3, status: 'pending' });
    const next = await user2.get('/api/bookings?per_page=2&page=2').expect(200);
    expect(next.body.bookings[0].id).toBeLessThan(body.bookings[1].id);
  });

  test("GET shows one's own booking, and any to the admin", async () => {
    const id = await book(user2);
    const { body } = await user2.get(`/api/bookings/${id}`).expect(200);
    expect(Object.keys(body)).toEqual([
      ...['id', 'event_id', 'user_id', 'num_tickets', 'unit_price_cents', 'total_cents', 'status'],
      ...['created_at', 'expires_at', 'paid_at', 'cancelled_at'],
    ]);
    expect(body).toMatchObject({ id, user_id: 2, status: 'pending', paid_at: null, cancelled_at: null });
    await admin.get(`/api/bookings/${id}`).expect(200, body);
    const others = await shop.db.one<Booking>('SELECT * FROM bookings WHERE user_id = 3 ORDER BY id DESC');
    for (const missing of [others?.id, 'x', -1, 0, 99_999_999_999]) {
      await user2.get(`/api/bookings/${missing}`).expect(404, { error: 'booking not found' });
    }
  });

  test('a booking without a time to pay has null there', async () => {
    const old = await shop.db.one<Booking>('SELECT * FROM bookings WHERE expires_at IS NULL LIMIT 1');
    const { body } = await admin.get(`/api/bookings/${old?.id}`).expect(200);
    expect(body.expires_at).toBeNull();
  });

  test('cancelling gives the tickets back, once', async () => {
    const stock = await stockOf(1);
    const id = await book(user2, 4);
    expect(await stockOf(1)).toBe(stock - 4);
    await user2.post(`/api/bookings/${id}/cancel`).expect(200, { ok: true, id, status: 'cancelled' });
    expect(await stockOf(1)).toBe(stock);
    await user2.post(`/api/bookings/${id}/cancel`).expect(200, { error: 'already cancelled' });
    expect(await stockOf(1)).toBe(stock);
    const { body } = await user2.get(`/api/bookings/${id}`);
    expect(body.status).toBe('cancelled');
    expect(body.cancelled_at).toMatch(isoTime);
  });

  test('ten cancellations at once give the tickets back once', async () => {
    const stock = await stockOf(1);
    const id = await book(user2, 4);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => user2.post(`/api/bookings/${id}/cancel`)),
    );
    expect(answers.filter(({ body }) => body.ok)).toHaveLength(1);
    expect(await stockOf(1)).toBe(stock);
  });

  test("expired, unknown and other people's bookings cannot be cancelled", async () => {
    const expired = await book(user2);
    await shop.db.run(`UPDATE bookings SET status = 'expired' WHERE id = ?`, [expired]);
    await user2.post(`/api/bookings/${expired}/cancel`).expect(200, { error: 'booking has expired' });
    const id = await book(user2);
    await admin.post(`/api/bookings/${id}/cancel`).expect(404, { error: 'booking not found' });
    for (const missing of ['x', '-1', '999999', '99999999999']) {
      await user2.post(`/api/bookings/${missing}/cancel`).expect(404, { error: 'booking not found' });
    }
  });
});
