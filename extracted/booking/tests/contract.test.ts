import { openStore } from '@ticketnow/service-kit/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '../../../testing/postgres.ts';
import { buildInventory } from '../../inventory/app.ts';
import { item, putItems, readItem } from '../../inventory/testing/items.ts';
import { callerOf } from '../../service-kit/testing/caller.ts';
import { databases } from '../../service-kit/testing/databases.ts';
import { listen } from '../../service-kit/testing/listen.ts';
import { faultsOfOpenApi, operationsOf } from '../../service-kit/testing/openapi.ts';
import { testSecret } from '../../service-kit/testing/service-process.ts';
import { buildBooking } from '../app.ts';
import type { BookingSchema } from '../schema.ts';

describe.each(databases)('booking on $name', ({ create }) => {
  let stock: TestDatabase;
  let books: TestDatabase;
  let inventory: Awaited<ReturnType<typeof listen>>;
  let service: Awaited<ReturnType<typeof listen>>;
  let call: ReturnType<typeof callerOf>;
  const anna = { userId: 1, role: 'customer' as const };
  const ben = { userId: 2, role: 'customer' as const };
  const admin = { userId: 9, role: 'admin' as const };

  beforeAll(async () => {
    [stock, books] = await Promise.all([create(), create()]);
    inventory = await listen(
      await buildInventory({ databaseUrl: stock.url, identity: { secret: testSecret } }),
    );
    service = await listen(
      await buildBooking({
        databaseUrl: books.url,
        identity: { secret: testSecret },
        inventoryUrl: inventory.url,
        // Every second, so that a test sees it run.
        expirySchedule: '* * * * * *',
        sweepEveryMs: 200,
      }),
    );
    call = callerOf(service, 'booking');
    await putItems(stock.url, [
      item({ event_id: 1, stock: 1000, price_cents: 4950 }),
      item({ event_id: 2, sale_status: 'draft' }),
      item({ event_id: 3, withdrawn_at: 1 }),
      item({ event_id: 4, starts_at: Date.UTC(2020, 0, 1) }),
      item({ event_id: 5, stock: 3 }),
    ]);
  });

  afterAll(async () => {
    await service.close();
    await inventory.close();
    await Promise.all([stock.drop(), books.drop()]);
  });

  const book = (json: unknown, as: object = anna, headers: Record<string, string> = {}) =>
    call('POST', '/api/bookings', { as, json, headers });
  const left = async (id = 1) => (await readItem(stock.url, id)).stock;
  const location = (path: string) => `http://127.0.0.1:${service.port}${path}`;

  describe('POST /api/bookings, as the monolith answers it', () => {
    test('books: field for field, in order, and takes the tickets', async () => {
      const before = await left();
      const reply = await book({ event_id: 1, num_tickets: 2 });
      expect(reply.status).toBe(201);
      const { id, created_at: created, expires_at: expires } = reply.json;
      expect(reply.text).toBe(
        `{"id":${id},"event_id":1,"user_id":1,"num_tickets":2,"total":"99.00","status":"pending","created_at":"${created}","expires_at":"${expires}"}`,
      );
      expect(created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
      expect(Date.parse(expires) - Date.parse(created)).toBe(24 * 3600 * 1000);
      expect(reply.headers.get('location')).toBe(location(`/api/bookings/${id}`));
      expect(reply.headers.get('etag')).toMatch(/^W\/"/);
      expect(await left()).toBe(before - 2);
    });

    test('a form and sloppy numbers are taken', async () => {
      const form = { event_id: '1abc', num_tickets: '3.9' };
      const reply = await call('POST', '/api/bookings', { as: anna, form });
      expect([reply.status, reply.json.num_tickets]).toEqual([201, 3]);
      expect((await book({ event_id: [1, 2], num_tickets: '1' })).status).toBe(201);
    });

    test.each([
      [{}, {}, 401, '{"error":"login required"}'],
      [anna, {}, 400, '{"error":"event_id and num_tickets are required"}'],
      [anna, { event_id: 1 }, 400, '{"error":"event_id and num_tickets are required"}'],
      [anna, { event_id: 'x', num_tickets: 99 }, 400, '{"error":"event_id and num_tickets are required"}'],
      [anna, [1], 400, '{"error":"event_id and num_tickets are required"}'],
      [anna, { event_id: 999, num_tickets: 0 }, 400, '{"error":"num_tickets must be between 1 and 10"}'],
      [anna, { event_id: 999, num_tickets: 11 }, 400, '{"error":"num_tickets must be between 1 and 10"}'],
      [anna, { event_id: 999, num_tickets: 1 }, 404, '{"error":"event not found"}'],
      [anna, { event_id: 3, num_tickets: 1 }, 404, '{"error":"event not found"}'],
      [anna, { event_id: -1, num_tickets: 1 }, 404, '{"error":"event not found"}'],
      [anna, { event_id: 2147483648, num_tickets: 1 }, 404, '{"error":"event not found"}'],
      [anna, { event_id: 2, num_tickets: 1 }, 200, '{"error":"event is not on sale"}'],
      [anna, { event_id: 4, num_tickets: 1 }, 200, '{"error":"event is not on sale"}'],
      [anna, { event_id: 5, num_tickets: 4 }, 200, '{"error":"not enough tickets","remaining":3}'],
    ])('%j %j -> %i %s', async (as, json, status, text) => {
      const reply = await book(json, as);
      expect([reply.status, reply.text]).toEqual([status, text]);
    });

    test('malformed, huge and foreign bodies', async () => {
      const json = { 'content-type': 'application/json' };
      const post = (headers: Record<string, string>, body: string) =>
        call('POST', '/api/bookings', { as: anna, headers, body });
      expect((await post(json, '{"event')).text).toBe('{"error":"invalid JSON"}');
      const huge = await post(json, `{"event_id":1,"x":"${'x'.repeat(110_000)}"}`);
      expect([huge.status, huge.text]).toEqual([413, '{"error":"request entity too large"}']);
      const foreign = await post({ 'content-type': 'text/xml' }, '<a/>');
      expect(foreign.text).toBe('{"error":"event_id and num_tickets are required"}');
    });
  });

  describe('reading', () => {
    test('lists own bookings, newest first, a page at a time', async () => {
      const as = { userId: 31, role: 'customer' as const };
      const ids: number[] = [];
      for (let i = 0; i < 3; i += 1) ids.push((await book({ event_id: 1, num_tickets: 1 }, as)).json.id);
      const page = await call('GET', '/api/bookings?per_page=2', { as });
      expect(page.json).toMatchObject({ page: 1, per_page: 2, total: 3 });
      expect(page.json.bookings.map((b: { id: number }) => b.id)).toEqual([ids[2], ids[1]]);
      expect(Object.keys(page.json.bookings[0])).toEqual([
        'id',
        'event_id',
        'num_tickets',
        'total_cents',
        'status',
        'created_at',
      ]);
      const second = await call('GET', '/api/bookings?per_page=2&page=2', { as });
      expect(second.json.bookings.map((b: { id: number }) => b.id)).toEqual([ids[0]]);
      const odd = await call('GET', '/api/bookings?page=-1&per_page=x', { as });
      expect(odd.json).toMatchObject({ page: 1, per_page: 20 });
      expect((await call('GET', '/api/bookings?per_page=1000', { as })).json.per_page).toBe(100);
      expect((await call('GET', '/api/bookings')).status).toBe(401);
    });

    test('one booking: its owner and administrators', async () => {
      const { id } = (await book({ event_id: 1, num_tickets: 2 })).json;
      const reply = await call('GET', `/api/bookings/${id}xyz`, { as: anna });
      expect(reply.json).toMatchObject({ id, unit_price_cents: 4950, total_cents: 9900, paid_at: null });
      expect(Object.keys(reply.json).join()).toBe(
        'id,event_id,user_id,num_tickets,unit_price_cents,total_cents,status,created_at,expires_at,paid_at,cancelled_at',
      );
      expect((await call('GET', `/api/bookings/${id}`, { as: admin })).status).toBe(200);
      for (const [path, as] of [
        [id, ben],
        ['x', anna],
        ['-1', anna],
        ['99999999999', anna],
      ]) {
        const none = await call('GET', `/api/bookings/${path}`, { as: as as typeof anna });
        expect([none.status, none.text]).toEqual([404, '{"error":"booking not found"}']);
      }
      expect((await call('GET', `/api/bookings/${id}`)).status).toBe(401);
    });
  });

  describe('cancelling and paying', () => {
    const cancel = (id: number | string, as: object = anna) =>
      call('POST', `/api/bookings/${id}/cancel`, { as });
    const pay = (id: number | string, as: object = anna) =>
      call('POST', `/account/bookings/${id}/pay`, { as, form: {} });

    test('a cancelled booking gives its tickets back, once', async () => {
      const before = await left();
      const { id } = (await book({ event_id: 1, num_tickets: 4 })).json;
      const replies = await Promise.all([cancel(id), cancel(id), cancel(id)]);
      const texts = replies.map((reply) => reply.text).sort();
      expect(texts).toEqual([
        '{"error":"already cancelled"}',
        '{"error":"already cancelled"}',
        `{"ok":true,"id":${id},"status":"cancelled"}`,
      ]);
      expect(await left()).toBe(before);
      expect((await call('GET', `/api/bookings/${id}`, { as: anna })).json.cancelled_at).not.toBeNull();
    });

    test('not those of others', async () => {
      const { id } = (await book({ event_id: 1, num_tickets: 1 })).json;
      for (const reply of [
        await cancel(id, ben),
        await cancel(id, admin),
        await cancel('x'),
        await cancel(99_999),
      ]) {
        expect([reply.status, reply.text]).toEqual([404, '{"error":"booking not found"}']);
      }
      expect((await cancel(id, {})).status).toBe(401);
    });

    test('payment', async () => {
      const { id } = (await book({ event_id: 1, num_tickets: 1 })).json;
      expect((await pay(id, {})).headers.get('location')).toBe(location('/login'));
      expect((await pay(id, ben)).headers.get('location')).toBe(location('/account?error=booking'));
      const paid = await pay(id);
      expect([paid.status, paid.headers.get('location')]).toEqual([302, location(`/account?paid=${id}`)]);
      expect((await call('GET', `/api/bookings/${id}`, { as: anna })).json).toMatchObject({ status: 'paid' });
      expect((await pay(id)).headers.get('location')).toBe(location('/account?error=booking'));
      expect((await cancel(id)).json.ok).toBe(true);
    });

    test('the nightly job expires own unpaid bookings, and leaves copied ones alone', async () => {
      const mine = (await book({ event_id: 1, num_tickets: 5 }, ben)).json.id;
      const before = await left();
      const store = openStore<BookingSchema>(books.url);
      await store.db
        .insertInto('bookings')
        .values({
          id: 900_000,
          user_id: 2,
          event_id: 1,
          quantity: 1,
          unit_price_cents: 100,
          total_cents: 100,
          state: 'pending',
          created_at: 1000,
          expires_at: 2000,
          paid_at: null,
          cancelled_at: null,
          reservation_id: null,
          saga_deadline: null,
          written_by: 'sync',
        })
        .execute();
      await store.db.updateTable('bookings').set({ expires_at: 1 }).where('id', '=', mine).execute();
      await store.close();
      const state = async (id: number) => (await call('GET', `/api/bookings/${id}`, { as: ben })).json.status;
      await expect.poll(() => state(mine), { timeout: 5000 }).toBe('expired');
      await expect.poll(() => left(), { timeout: 5000 }).toBe(before + 5);
      expect(await state(900_000)).toBe('pending');
      expect((await cancel(mine, ben)).text).toBe('{"error":"booking has expired"}');
      // A copied booking is cancelled like any other, though it never had a reservation.
      expect((await cancel(900_000, ben)).json.ok).toBe(true);
      await expect.poll(() => left(), { timeout: 5000 }).toBe(before + 6);
    });
  });

  describe('/api/v2/bookings', () => {
    const bookV2 = (json: unknown, headers: Record<string, string> = {}) =>
      call('POST', '/api/v2/bookings', { as: anna, json, headers });

    test('books', async () => {
      const reply = await bookV2({ eventId: 1, quantity: 2 });
      expect(reply.status).toBe(201);
      expect(reply.headers.get('location')).toBe(`/api/v2/bookings/${reply.json.id}`);
      expect(reply.json).toMatchObject({
        eventId: 1,
        userId: 1,
        quantity: 2,
        unitPrice: { amountCents: 4950, currency: 'USD' },
        total: { amountCents: 9900, currency: 'USD' },
        state: 'pending',
        paidAt: null,
      });
      expect((await call('GET', `/api/v2/bookings/${reply.json.id}`, { as: anna })).json).toEqual(reply.json);
      const paid = await call('POST', `/api/v2/bookings/${reply.json.id}/payment`, { as: anna });
      expect(paid.json.state).toBe('paid');
      const cancelled = await call('POST', `/api/v2/bookings/${reply.json.id}/cancel`, { as: anna });
      expect(cancelled.json.state).toBe('cancelled');
      const again = await call('POST', `/api/v2/bookings/${reply.json.id}/cancel`, { as: anna });
      expect([again.status, again.json.code]).toEqual([409, 'already_cancelled']);
    });

    test.each([
      [{ eventId: 999, quantity: 1 }, 404, { code: 'event_not_found' }],
      [{ eventId: 2, quantity: 1 }, 409, { code: 'not_on_sale' }],
      [{ eventId: 5, quantity: 4 }, 409, { code: 'insufficient_stock', remaining: 3 }],
      [{ eventId: '1', quantity: 1 }, 400, { code: 'invalid_input', field: 'eventId' }],
      [{ eventId: 1, quantity: 11 }, 400, { code: 'invalid_input', field: 'quantity' }],
      [{ eventId: 1 }, 400, { code: 'invalid_input', field: 'quantity' }],
    ])('refuses %j with %i', async (json, status, body) => {
      const reply = await bookV2(json);
      expect(reply.status).toBe(status);
      expect(reply.json).toMatchObject(body);
    });

    test('pages by cursor', async () => {
      const as = { userId: 41, role: 'customer' as const };
      const ids: number[] = [];
      for (let i = 0; i < 3; i += 1) ids.unshift((await book({ event_id: 1, num_tickets: 1 }, as)).json.id);
      const first = (await call('GET', '/api/v2/bookings?limit=2', { as })).json;
      const second = (await call('GET', `/api/v2/bookings?limit=2&after=${first.next}`, { as })).json;
      const seen = [...first.bookings, ...second.bookings].map((b: { id: number }) => b.id);
      expect([seen, second.next]).toEqual([ids, null]);
      expect((await call('GET', '/api/v2/bookings?after=nonsense', { as })).json.code).toBe('invalid_cursor');
      expect((await call('GET', '/api/v2/bookings')).json.code).toBe('login_required');
    });
  });

  describe('Idempotency-Key', () => {
    const key = (value: string) => ({ 'idempotency-key': value });

    test('a repeat gets the first answer again and books nothing', async () => {
      const before = await left();
      const first = await book({ event_id: 1, num_tickets: 2 }, anna, key('a-1'));
      const again = await book({ num_tickets: '2', event_id: '1' }, anna, key('a-1'));
      expect([again.status, again.text]).toEqual([first.status, first.text]);
      for (const name of ['location', 'etag', 'content-type']) {
        expect(again.headers.get(name)).toBe(first.headers.get(name));
      }
      expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
        null,
        'true',
      ]);
      expect(await left()).toBe(before - 2);
    });

    test('belongs to a user, and to one request', async () => {
      await book({ event_id: 1, num_tickets: 1 }, anna, key('a-2'));
      const other = await book({ event_id: 1, num_tickets: 1 }, ben, key('a-2'));
      expect([other.status, other.headers.get('idempotent-replayed')]).toEqual([201, null]);
      const changed = await book({ event_id: 1, num_tickets: 2 }, anna, key('a-2'));
      expect([changed.status, changed.text]).toEqual([
        422,
        '{"error":"idempotency key reused with another request"}',
      ]);
      const v2 = await call('POST', '/api/v2/bookings', {
        as: anna,
        json: { eventId: 1, quantity: 1 },
        headers: key('a-2'),
      });
      expect([v2.status, v2.json.code]).toEqual([422, 'idempotency_key_reused']);
    });

    test('of many at once one books, the others wait or get its answer', async () => {
      const before = await left();
      const replies = await Promise.all(
        Array.from({ length: 12 }, () => book({ event_id: 1, num_tickets: 1 }, anna, key('a-3'))),
      );
      expect(await left()).toBe(before - 1);
      const booked = replies.filter((reply) => reply.status === 201);
      expect(new Set(booked.map((reply) => reply.json.id)).size).toBe(1);
      expect(replies.every((reply) => reply.status === 201 || reply.status === 409)).toBe(true);
      const v2 = { as: anna, json: { eventId: 1, quantity: 1 }, headers: key('a-3b') };
      const codes = await Promise.all(Array.from({ length: 5 }, () => call('POST', '/api/v2/bookings', v2)));
      const refused = codes.filter((reply) => reply.status === 409);
      expect(refused.every((reply) => reply.json.code === 'idempotency_key_in_progress')).toBe(true);
      expect(refused.length).toBeGreaterThan(0);
    });

    test('what changed nothing is not kept', async () => {
      await putItems(stock.url, [item({ event_id: 6, stock: 0 })]);
      const refused = await book({ event_id: 6, num_tickets: 1 }, anna, key('a-4'));
      expect(refused.json.error).toBe('not enough tickets');
      await putItems(stock.url, [item({ event_id: 6, stock: 1 })]);
      expect((await book({ event_id: 6, num_tickets: 1 }, anna, key('a-4'))).status).toBe(201);
    });

    test.each(['', 'a b', 'x'.repeat(256)])('%j is none', async (value) => {
      const reply = await book({ event_id: 1, num_tickets: 1 }, anna, key(value));
      expect([reply.status, reply.json.error]).toEqual([
        400,
        'Idempotency-Key must be 1 to 255 visible ASCII characters',
      ]);
      const v2 = await call('POST', '/api/v2/bookings', {
        as: anna,
        json: { eventId: 1, quantity: 1 },
        headers: key(value),
      });
      expect(v2.json).toMatchObject({ code: 'invalid_input', field: 'idempotency-key' });
    });
  });

  test('a flash sale sells exactly what there is', async () => {
    await putItems(stock.url, [item({ event_id: 7, stock: 50 })]);
    const replies = await Promise.all(
      Array.from({ length: 90 }, () => book({ event_id: 7, num_tickets: 1 })),
    );
    expect(replies.filter((reply) => reply.status === 201)).toHaveLength(50);
    expect(replies.filter((reply) => reply.json.error === 'not enough tickets')).toHaveLength(40);
    expect(await left(7)).toBe(0);
  });

  test('identity, OpenAPI, readiness', async () => {
    expect((await call('GET', '/api/bookings', { as: null })).json.code).toBe('identity_required');
    const foreign = await call('GET', '/api/bookings', { as: { issuer: 'inventory', userId: 1 } });
    expect(foreign.json.code).toBe('identity_invalid');
    expect((await call('GET', '/readyz', { as: null })).json).toEqual({ status: 'ready', failing: [] });
    const document = (await call('GET', '/openapi.json', { as: null })).json;
    expect(faultsOfOpenApi(document)).toEqual([]);
    expect(operationsOf(document)).toEqual([
      'GET /api/bookings',
      'GET /api/bookings/{id}',
      'GET /api/v2/bookings',
      'GET /api/v2/bookings/{bookingId}',
      'GET /livez',
      'GET /readyz',
      'POST /account/bookings/{id}/pay',
      'POST /api/bookings',
      'POST /api/bookings/{id}/cancel',
      'POST /api/v2/bookings',
      'POST /api/v2/bookings/{bookingId}/cancel',
      'POST /api/v2/bookings/{bookingId}/payment',
    ]);
  });
});
