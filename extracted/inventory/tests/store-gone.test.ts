import { expect, test } from 'vitest';
import { createDatabase } from '../../../testing/postgres.ts';
import { callerOf } from '../../service-kit/testing/caller.ts';
import { item, putItems, startInventory } from '../testing/items.ts';

test('without its database it says so, answers 503 or 500 at once, and lives on', async () => {
  const database = await createDatabase();
  const service = await startInventory(database.url);
  const call = callerOf(service, 'inventory');
  await putItems(database.url, [item({ event_id: 1 })]);
  expect((await call('GET', '/api/inventory/1')).json.stock).toBe(100);

  await database.drop();
  const ready = await call('GET', '/readyz', { as: null });
  expect([ready.status, ready.json]).toEqual([503, { status: 'unavailable', failing: ['store'] }]);
  expect((await call('GET', '/livez', { as: null })).status).toBe(200);
  const read = await call('GET', '/api/inventory/1');
  expect([read.status, read.text]).toEqual([500, '{"error":"internal error"}']);
  const json = { itemId: 1, quantity: 1, holdSeconds: 30 };
  const write = await call('PUT', '/api/v2/reservations/8c1f2f0e-6c43-4f0a-9d6b-0d5b7c1a2b3c', {
    as: { issuer: 'booking' },
    json,
  });
  expect([write.status, write.json.code]).toEqual([503, 'store_unavailable']);
  expect(await service.stop()).toBe(0);
});
