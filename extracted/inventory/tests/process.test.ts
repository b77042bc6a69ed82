import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '../../../testing/postgres.ts';
import { callerOf } from '../../service-kit/testing/caller.ts';
import { createSqlite } from '../../service-kit/testing/databases.ts';
import { failToStart } from '../../service-kit/testing/service-process.ts';
import { inventoryEntry, item, putItems, startInventory } from '../testing/items.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createSqlite();
});

afterAll(() => database.drop());

test('SIGTERM and SIGINT end it with 0, and nothing is left that listens', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const service = await startInventory(database.url);
    expect(await service.stop(signal)).toBe(0);
    await expect(fetch(`${service.url}/livez`)).rejects.toThrow();
  }
});

test('it ends when its parent goes away', async () => {
  const service = await startInventory(database.url);
  const ended = once(service.child, 'exit');
  service.child.disconnect();
  expect((await ended)[0]).toBe(0);
});

test('requests in flight are answered before it ends', async () => {
  const service = await startInventory(database.url);
  await putItems(database.url, [item({ event_id: 1 })]);
  const call = callerOf(service, 'inventory');
  const replies = Promise.all(
    Array.from({ length: 40 }, () =>
      call('POST', '/admin/events/1/stock', { as: { userId: 1, role: 'admin' }, form: { add: '1' } }),
    ),
  );
  await call('GET', '/livez');
  const ended = service.stop();
  const settled = await Promise.allSettled([replies]);
  expect(await ended).toBe(0);
  expect(settled[0]?.status).toBe('fulfilled');
});

test('a port in use gets one line and exit 1', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const failed = await failToStart(inventoryEntry, {
    INVENTORY_PORT: String(port),
    INVENTORY_DATABASE_URL: database.url,
  });
  other.close();
  expect(failed).toEqual({
    code: 1,
    stderr: `inventory cannot listen on 127.0.0.1:${port}: the port is in use. Set INVENTORY_PORT to another port (0 for any free one).\n`,
  });
});

test('a wrong setting gets one line and exit 2', async () => {
  const failed = await failToStart(inventoryEntry, { IDENTITY_SECRET: 'short' });
  expect(failed.code).toBe(2);
  expect(failed.stderr).toMatch(/^inventory: IDENTITY_SECRET is too short\. .+\n$/);
});

test('a database that is away gets one line and exit 1', async () => {
  const failed = await failToStart(inventoryEntry, {
    INVENTORY_PORT: '0',
    INVENTORY_DATABASE_URL: 'postgres://nobody:secretword@127.0.0.1:1/none',
  });
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/^inventory could not start: .+\n$/);
  expect(failed.stderr).not.toContain('secretword');
});

test('its log tells traces apart and holds no identity, cookie or body', async () => {
  const service = await startInventory(database.url, { LOG_LEVEL: 'trace' });
  const trace = '0af7651916cd43dd8448eb211c80319c';
  await callerOf(service, 'inventory')('POST', '/admin/events/77/stock', {
    as: { userId: 1, role: 'admin' },
    headers: { traceparent: `00-${trace}-b7ad6b7169203331-01`, cookie: 'ticketnow.sid=stolen' },
    form: { add: '1', note: 'private words' },
  });
  await service.stop();
  const lines = service
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toContainEqual(
    expect.objectContaining({
      traceId: trace,
      route: '/admin/events/:id/stock',
      status: 302,
      service: 'inventory',
    }),
  );
  expect(service.output()).not.toMatch(/eyJ|stolen|private words/);
});
