import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '../../../testing/postgres.ts';
import { callerOf } from '../../service-kit/testing/caller.ts';
import { databases } from '../../service-kit/testing/databases.ts';
import { faultsOfOpenApi, operationsOf } from '../../service-kit/testing/openapi.ts';
import type { ServiceProcess } from '../../service-kit/testing/service-process.ts';
import { item, putItems, readItem, startInventory } from '../testing/items.ts';

describe.each(databases)('inventory on $name', ({ create }) => {
  let database: TestDatabase;
  let service: ServiceProcess;
  let call: ReturnType<typeof callerOf>;
  const booking = { issuer: 'booking' };
  const admin = { userId: 1, role: 'admin' as const };

  beforeAll(async () => {
    database = await create();
    service = await startInventory(database.url);
    call = callerOf(service, 'inventory');
    await putItems(database.url, [
      item({ event_id: 1 }),
      item({ event_id: 2, sale_status: 'draft' }),
      item({ event_id: 3, withdrawn_at: 1 }),
      item({ event_id: 4, starts_at: Date.UTC(2020, 0, 1) }),
      item({ event_id: 5, stock: 3 }),
      item({ event_id: 6, stock: 5, capacity: 5 }),
    ]);
  });

  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  const reserve = (id: string, itemId: number, quantity: number, holdSeconds = 30) =>
    call('PUT', `/api/v2/reservations/${id}`, { as: booking, json: { itemId, quantity, holdSeconds } });
  const end = (id: string, how: 'confirm' | 'release') =>
    call('POST', `/api/v2/reservations/${id}/${how}`, { as: booking });
  const stock = async (id: number) => (await readItem(database.url, id)).stock;

  describe('GET /api/inventory/:itemId, as the monolith answers it', () => {
    test('field for field, in order', async () => {
      const reply = await call('GET', '/api/inventory/6');
      expect(reply.status).toBe(200);
      expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(reply.text).toBe(
        '{"item_id":6,"sku":"EVT-000006","stock":5,"total_stock":5,"price_cents":4950,"status":"on_sale","updated_at":"2026-11-20 10:00:00"}',
      );
    });

    test.each([
      ['6abc', 200, 6],
      ['%36', 200, 6],
    ])('%s is read as a number', async (id, status, itemId) => {
      const reply = await call('GET', `/api/inventory/${id}`);
      expect([reply.status, reply.json.item_id]).toEqual([status, itemId]);
    });

    test('drafts are shown, withdrawn and unknown items are not', async () => {
      expect((await call('GET', '/api/inventory/2')).json.status).toBe('draft');
      for (const id of ['3', '999', '-1', '0', '2147483648', '99999999999999999999']) {
        const reply = await call('GET', `/api/inventory/${id}`);
        expect([reply.status, reply.text]).toEqual([200, '{"error":"no such item"}']);
      }
    });

    test('what is no number is refused', async () => {
      const reply = await call('GET', '/api/inventory/abc');
      expect([reply.status, reply.text]).toEqual([400, '{"error":"itemId must be a number"}']);
    });
  });

  describe('POST /admin/events/:id/stock', () => {
    const restock = (id: string, add: string, as: object = admin) =>
      call('POST', `/admin/events/${id}/stock`, { as, form: { add } });
    const location = (path: string) => `http://127.0.0.1:${service.port}${path}`;

    test('adds to stock and capacity, and marks the row as written here', async () => {
      await putItems(database.url, [item({ event_id: 10, stock: 5, capacity: 8 })]);
      const before = Date.now();
      const reply = await restock('10', '7');
      expect([reply.status, reply.headers.get('location')]).toEqual([
        302,
        location('/admin/events/10?saved=1'),
      ]);
      const row = await readItem(database.url, 10);
      expect(row).toMatchObject({ stock: 12, capacity: 15, written_by: 'service' });
      expect(row.updated_at).toBeGreaterThanOrEqual(before);
      await restock('10', '-12');
      expect(await readItem(database.url, 10)).toMatchObject({ stock: 0, capacity: 3 });
    });

    test.each(['0', 'x', '', '100001', '-100001', '-6', '1e9'.repeat(5)])('refuses %j', async (add) => {
      await putItems(database.url, [item({ event_id: 11, stock: 5, capacity: 500 })]);
      const reply = await restock('11', add);
      const refused = add.startsWith('1e9') ? 'saved=1' : 'error=stock';
      expect(reply.headers.get('location')).toBe(location(`/admin/events/11?${refused}`));
    });

    test('unknown events, visitors and customers', async () => {
      for (const id of ['999', '3', 'x', '-1', '99999999999']) {
        expect((await restock(id, '1')).headers.get('location')).toBe(location('/admin?error=event'));
      }
      expect((await restock('1', '1', {})).headers.get('location')).toBe(location('/login'));
      const customer = await restock('1', '1', { userId: 2, role: 'customer' });
      expect([customer.status, customer.text, customer.headers.get('content-type')]).toEqual([
        403,
        'Forbidden',
        'text/html; charset=utf-8',
      ]);
    });
  });

  describe('items of v2', () => {
    test('one item', async () => {
      expect((await call('GET', '/api/v2/items/2')).json).toEqual({
        itemId: 2,
        sku: 'EVT-000002',
        title: 'Event 2',
        available: 100,
        capacity: 500,
        unitPriceCents: 4950,
        saleStatus: 'draft',
        startsAt: '2099-01-01T00:00:00.000Z',
        updatedAt: '2026-11-20T10:00:00.000Z',
      });
      expect((await call('GET', '/api/v2/items/3')).json.code).toBe('item_not_found');
      expect((await call('GET', '/api/v2/items/2x')).json).toMatchObject({
        code: 'invalid_input',
        field: 'itemId',
      });
    });

    test('pages', async () => {
      const first = (await call('GET', '/api/v2/items?limit=2')).json;
      expect([first.items.map((i: { itemId: number }) => i.itemId), first.next]).toEqual([[1, 2], 2]);
      const second = (await call('GET', `/api/v2/items?limit=2&after=${first.next}`)).json;
      expect(second.items.map((i: { itemId: number }) => i.itemId)).toEqual([4, 5]);
      expect((await call('GET', '/api/v2/items?after=100000')).json).toEqual({ items: [], next: null });
    });
  });

  describe('reservations', () => {
    test('take the tickets, and repeat without taking them again', async () => {
      const id = randomUUID();
      const before = await stock(1);
      const first = await reserve(id, 1, 2);
      expect(first.status).toBe(201);
      expect(first.json).toMatchObject({
        reservationId: id,
        itemId: 1,
        quantity: 2,
        state: 'held',
        unitPriceCents: 4950,
      });
      const again = await reserve(id, 1, 2);
      expect([again.status, again.json]).toEqual([200, first.json]);
      expect(await stock(1)).toBe(before - 2);
      expect((await readItem(database.url, 1)).written_by).toBe('service');
      expect((await reserve(id, 1, 3)).json.code).toBe('reservation_conflict');
      expect((await reserve(id, 5, 2)).json.code).toBe('reservation_conflict');
      await end(id, 'release');
      expect(await stock(1)).toBe(before);
    });

    test.each([
      [999, 1, 404, { code: 'item_not_found' }],
      [3, 1, 404, { code: 'item_not_found' }],
      [2, 1, 409, { code: 'not_on_sale' }],
      [4, 1, 409, { code: 'not_on_sale' }],
      [5, 4, 409, { code: 'insufficient_stock', remaining: 3 }],
    ])('item %i x %i is refused with %i', async (itemId, quantity, status, body) => {
      const reply = await reserve(randomUUID(), itemId, quantity);
      expect(reply.status).toBe(status);
      expect(reply.json).toMatchObject(body);
    });

    test('a confirmed one stays: repeated, and not released', async () => {
      const id = randomUUID();
      await reserve(id, 1, 1);
      const before = await stock(1);
      expect((await end(id, 'confirm')).json).toEqual({ reservationId: id, state: 'confirmed' });
      expect((await end(id, 'confirm')).status).toBe(200);
      const released = await end(id, 'release');
      expect([released.status, released.json.code]).toEqual([409, 'reservation_confirmed']);
      expect(await stock(1)).toBe(before);
      expect((await reserve(id, 1, 1)).json.state).toBe('confirmed');
    });

    test('a released one is closed, and gives the tickets back once', async () => {
      const id = randomUUID();
      const before = await stock(1);
      await reserve(id, 1, 3);
      expect((await end(id, 'release')).status).toBe(200);
      expect((await end(id, 'release')).status).toBe(200);
      expect(await stock(1)).toBe(before);
      expect((await end(id, 'confirm')).json.code).toBe('reservation_closed');
      expect((await reserve(id, 1, 3)).json.code).toBe('reservation_closed');
    });

    test('a release that overtakes its reservation leaves a tombstone', async () => {
      const id = randomUUID();
      const before = await stock(1);
      expect((await end(id, 'release')).status).toBe(200);
      const late = await reserve(id, 1, 1);
      expect([late.status, late.json.code]).toEqual([409, 'reservation_closed']);
      expect(await stock(1)).toBe(before);
    });

    test('a hold that ran out is swept, and can no longer be confirmed', async () => {
      const id = randomUUID();
      const before = await stock(1);
      await reserve(id, 1, 4, 1);
      expect(await stock(1)).toBe(before - 4);
      await expect.poll(() => stock(1), { timeout: 5000 }).toBe(before);
      expect((await end(id, 'confirm')).json.code).toBe('reservation_closed');
      expect(await stock(1)).toBe(before);
    });

    test('unknown ones cannot be confirmed; ids are uuids', async () => {
      expect((await end(randomUUID(), 'confirm')).json.code).toBe('reservation_closed');
      expect((await end('1', 'confirm')).json).toMatchObject({
        code: 'invalid_input',
        field: 'reservationId',
      });
      expect((await reserve(randomUUID(), 1, 0)).json).toMatchObject({
        code: 'invalid_input',
        field: 'quantity',
      });
    });

    test('only booking may make them', async () => {
      for (const as of [admin, {}, { issuer: 'facade', userId: 1 }]) {
        const json = { itemId: 1, quantity: 1, holdSeconds: 30 };
        const reply = await call('PUT', `/api/v2/reservations/${randomUUID()}`, { as, json });
        expect([reply.status, reply.json.code]).toEqual([403, 'caller_not_allowed']);
      }
      expect((await call('GET', '/api/v2/items', { as: null })).json.code).toBe('identity_required');
    });

    test('many at once never take more than there is', async () => {
      await putItems(database.url, [item({ event_id: 20, stock: 37 })]);
      const replies = await Promise.all(Array.from({ length: 120 }, () => reserve(randomUUID(), 20, 1)));
      expect(replies.filter((reply) => reply.status === 201)).toHaveLength(37);
      expect(replies.filter((reply) => reply.json.code === 'insufficient_stock')).toHaveLength(83);
      expect(await stock(20)).toBe(0);
    });
  });

  test('returns give tickets back once', async () => {
    await putItems(database.url, [item({ event_id: 21, stock: 5 })]);
    const path = `/api/v2/returns/${randomUUID()}`;
    const give = (quantity: number) => call('PUT', path, { as: booking, json: { itemId: 21, quantity } });
    expect((await give(2)).status).toBe(201);
    expect((await give(2)).status).toBe(200);
    expect((await give(3)).json.code).toBe('return_conflict');
    expect(await stock(21)).toBe(7);
    const unknown = await call('PUT', `/api/v2/returns/${randomUUID()}`, {
      as: booking,
      json: { itemId: 998, quantity: 1 },
    });
    expect(unknown.json.code).toBe('item_not_found');
  });

  test('OpenAPI is valid and names every route', async () => {
    const document = (await call('GET', '/openapi.json', { as: null })).json;
    expect(faultsOfOpenApi(document)).toEqual([]);
    expect(operationsOf(document)).toEqual([
      'GET /api/inventory/{itemId}',
      'GET /api/v2/items',
      'GET /api/v2/items/{itemId}',
      'GET /livez',
      'GET /readyz',
      'POST /admin/events/{id}/stock',
      'POST /api/v2/reservations/{reservationId}/confirm',
      'POST /api/v2/reservations/{reservationId}/release',
      'PUT /api/v2/reservations/{reservationId}',
      'PUT /api/v2/returns/{returnId}',
    ]);
  });
});
