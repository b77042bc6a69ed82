import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '../../../testing/postgres.ts';
import { callerOf } from '../../service-kit/testing/caller.ts';
import { databases } from '../../service-kit/testing/databases.ts';
import type { ServiceProcess } from '../../service-kit/testing/service-process.ts';
import { item, putItems, readItem, startInventory } from '../testing/items.ts';

// Two instances on one store, started at the same moment on an empty one.
describe.each(databases)('two instances of inventory on $name', ({ create }) => {
  let database: TestDatabase;
  let instances: ServiceProcess[];

  beforeAll(async () => {
    database = await create();
    instances = await Promise.all([startInventory(database.url), startInventory(database.url)]);
  });

  afterAll(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
    await database.drop();
  });

  const reserve = (instance: ServiceProcess, id: string, itemId: number) =>
    callerOf(instance, 'inventory')('PUT', `/api/v2/reservations/${id}`, {
      as: { issuer: 'booking' },
      json: { itemId, quantity: 1, holdSeconds: 30 },
    });

  test('migrated once, both are ready', async () => {
    for (const instance of instances) {
      expect((await callerOf(instance, 'inventory')('GET', '/readyz', { as: null })).status).toBe(200);
    }
  });

  test('never sell the same ticket twice', async () => {
    await putItems(database.url, [item({ event_id: 1, stock: 25 }), item({ event_id: 2, stock: 25 })]);
    const replies = await Promise.all(
      Array.from({ length: 120 }, (_, index) =>
        reserve(instances[index % 2] as ServiceProcess, randomUUID(), 1 + (index % 3 === 0 ? 1 : 0)),
      ),
    );
    const made = replies.filter((reply) => reply.status === 201);
    expect(made.filter((reply) => reply.json.itemId === 1)).toHaveLength(25);
    expect(made.filter((reply) => reply.json.itemId === 2)).toHaveLength(25);
    // Refused by the statement itself, not by the column's check.
    const others = replies.filter((reply) => reply.status !== 201);
    expect(new Set(others.map((reply) => reply.json.code))).toEqual(new Set(['insufficient_stock']));
    expect((await readItem(database.url, 1)).stock).toBe(0);
    expect((await readItem(database.url, 2)).stock).toBe(0);
  });

  test('agree on one reservation that comes to both', async () => {
    await putItems(database.url, [item({ event_id: 3, stock: 10 })]);
    const ids = Array.from({ length: 10 }, () => randomUUID());
    const replies = await Promise.all(
      ids.flatMap((id) => instances.map((instance) => reserve(instance, id, 3))),
    );
    expect(replies.map((reply) => reply.status).sort()).toEqual([
      ...Array(10).fill(200),
      ...Array(10).fill(201),
    ]);
    expect((await readItem(database.url, 3)).stock).toBe(0);
  });
});
