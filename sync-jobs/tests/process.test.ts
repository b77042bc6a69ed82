import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';
import { type GroupName, pairs } from './store-pair.ts';
import { type SyncProcess, startSync } from './sync-process.ts';
import {
  actualRows,
  createLegacyTables,
  createServiceTables,
  expectedRows,
  insertBooking,
  insertEvent,
  insertUser,
} from './ticketnow.ts';
import { groupNames, openTicketnow, type TicketnowSystem } from './ticketnow-system.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function start(environment: Record<string, string>): SyncProcess {
  const sync = startSync(environment);
  cleanups.push(async () => {
    sync.child.kill('SIGKILL');
    await sync.exited;
  });
  return sync;
}

async function pairOf(from: Dialect, to: Dialect): Promise<TicketnowSystem> {
  const pair = await openTicketnow(from, to);
  cleanups.push(() => pair.close());
  await insertUser(pair.legacy, 1);
  await insertEvent(pair.legacy, 1);
  await insertBooking(pair.legacy, 1);
  return pair;
}

async function databaseOf(dialect: Dialect): Promise<TestDatabase> {
  const database = await freshDatabase(dialect);
  cleanups.push(() => database.drop());
  return database;
}

function urlsOf(pair: TicketnowSystem): Record<string, string> {
  return pair.environment;
}

async function manyUsers(legacy: TestDatabase, from: number, to: number): Promise<void> {
  const series =
    legacy.dialect === 'sqlite'
      ? `WITH RECURSIVE series (id) AS (SELECT ${from} UNION ALL SELECT id + 1 FROM series WHERE id < ${to}) SELECT id FROM series`
      : `SELECT id FROM generate_series(${from}, ${to}) AS id`;
  await legacy.script(`INSERT INTO users (id, email, password_hash, full_name, created_at, updated_at)
    SELECT id, 'user' || id, 'x', 'User ' || id, '2026-01-01 00:00:00', '2026-11-20 10:00:00' FROM (${series}) AS ids`);
}

const statusOf = async (port: number, group: GroupName) => {
  const { groups: all } = (await (await fetch(`http://127.0.0.1:${port}/api/groups`)).json()) as {
    groups: Record<string, unknown>[];
  };
  return all.find((status) => status.name === group)!;
};

describe.each(pairs)('%s to %s', (from, to) => {
  test('copies every group, then follows what changes', async () => {
    const pair = await pairOf(from, to);
    const sync = start(urlsOf(pair));
    const port = await sync.ready;
    for (const group of groupNames) {
      expect(await actualRows(group, pair.service[group])).toEqual(await expectedRows[group]!(pair.legacy));
    }
    await pair.legacy.query('UPDATE events SET stock = 42 WHERE id = 1');
    await sync.logged((line) => line.msg === 'changes copied' && line.group === 'inventory');
    expect(await actualRows('inventory', pair.service.inventory)).toEqual(
      await expectedRows.inventory!(pair.legacy),
    );
    expect(await statusOf(port, 'inventory')).toMatchObject({
      state: 'following',
      backfilled: true,
      error: null,
    });
    sync.child.kill('SIGTERM');
    expect(await sync.closed).toBe(0);
    expect(sync.stderr()).toBe('');
  });

  test('killed in the middle of a backfill, it goes on where it was', async () => {
    const pair = await pairOf(from, to);
    await manyUsers(pair.legacy, 2, 1500);
    const count = async () => {
      const [row] = await pair.service.profile.query('SELECT count(*) AS rows FROM profiles');
      return Number(row!.rows);
    };
    const first = start({ ...urlsOf(pair), SYNC_CHUNK_ROWS: '3', SYNC_ROWS_PER_SECOND: '300' });
    const port = await first.listening();
    while (((await statusOf(port, 'profile')).progress as { done: number }).done < 90);
    first.child.kill('SIGKILL');
    await first.closed;
    const copied = await count();
    expect(copied).toBeGreaterThanOrEqual(90);
    expect(copied).toBeLessThan(1500);
    await pair.legacy.query("UPDATE users SET full_name = 'Changed' WHERE id < 10");
    await pair.legacy.query('UPDATE users SET deleted_at = updated_at WHERE id = 20');
    await start(urlsOf(pair)).ready;
    expect(await actualRows('profile', pair.service.profile)).toEqual(
      await expectedRows.profile!(pair.legacy),
    );
  });
});

describe('waiting', () => {
  test.each<Dialect>(['sqlite', 'postgres'])('for tables that are not made yet, on %s', async (dialect) => {
    const [legacy, service] = [await databaseOf(dialect), await databaseOf(dialect)];
    const folder = await mkdtemp(path.join(tmpdir(), 'sync-jobs-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    await writeFile(path.join(folder, 'profile.ts'), groupFile('profile'));
    const environment = {
      LEGACY_DATABASE_URL: legacy.url,
      PROFILE_DATABASE_URL: service.url,
      SYNC_GROUPS_DIR: folder,
    };
    const sync = start(environment);
    const port = await sync.listening();
    const line = await sync.logged((candidate) => candidate.code === 'tables_missing');
    expect(line).toMatchObject({
      level: 30,
      group: 'profile',
      msg: expect.stringMatching(/^profile waits for users in .+ and profiles in /),
    });
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
    expect(await statusOf(port, 'profile')).toMatchObject({
      state: 'waiting',
      backfilled: false,
      errors: {},
    });
    await createLegacyTables(legacy);
    await insertUser(legacy, 5);
    await createServiceTables('profile', service);
    expect(await sync.ready).toBe(port);
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    expect(await actualRows('profile', service)).toEqual(await expectedRows.profile!(legacy));
  });

  test('an SQLite file that is not there is not made, and one that is replaced is noticed', async () => {
    const pair = await pairOf('sqlite', 'sqlite');
    const other = await pairOf('sqlite', 'sqlite');
    const file = pair.legacy.url.slice('sqlite:'.length);
    await rename(file, `${file}.away`);
    const sync = start(urlsOf(pair));
    await sync.logged((line) => line.code === 'tables_missing' && line.group === 'profile');
    await rename(`${file}.away`, file);
    await sync.ready;
    await other.legacy.query("UPDATE users SET full_name = 'Another database'");
    await rename(other.legacy.url.slice('sqlite:'.length), file);
    const copies = (line: Record<string, unknown>) =>
      line.msg === 'first backfill is complete' && line.group === 'profile';
    await sync.logged(() => sync.log.filter(copies).length === 2);
    expect(await actualRows('profile', pair.service.profile)).toMatchObject([
      { full_name: 'Another database' },
    ]);
  });

  test('one group whose database is down, or whose rows cannot be mapped, does not stop the others', async () => {
    const pair = await pairOf('sqlite', 'sqlite');
    await pair.legacy.query("UPDATE bookings SET status = 'lost'");
    const unused = createServer().listen(0, '127.0.0.1');
    await once(unused, 'listening');
    const { port: closedPort } = unused.address() as { port: number };
    unused.close();
    const away = `postgres://sync:hidden@127.0.0.1:${closedPort}/inventory`;
    const sync = start({ ...urlsOf(pair), INVENTORY_DATABASE_URL: away });
    const port = await sync.listening();
    await sync.logged((line) => line.code === 'store_unavailable' && line.group === 'inventory');
    await sync.logged((line) => line.code === 'row_unmappable' && line.group === 'booking');
    await sync.logged((line) => line.msg === 'first backfill is complete' && line.group === 'profile');
    expect(await actualRows('profile', pair.service.profile)).toEqual(
      await expectedRows.profile!(pair.legacy),
    );
    expect(await statusOf(port, 'inventory')).toMatchObject({
      state: 'retrying',
      service: `127.0.0.1:${closedPort}/inventory`,
      error: { code: 'store_unavailable', hint: expect.stringContaining('Check that the server runs') },
    });
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([ready.status, ready.headers.get('content-type')]).toEqual([503, 'application/problem+json']);
    expect(await ready.json()).toMatchObject({
      code: 'not_backfilled',
      groups: [{ name: 'booking' }, { name: 'inventory' }],
    });
    expect(JSON.stringify(sync.log)).not.toContain('hidden');
    await pair.legacy.query("UPDATE bookings SET status = 'paid'");
    await sync.logged((line) => line.msg === 'first backfill is complete' && line.group === 'booking');
  });

  test('a database that goes away and comes back is found again', async () => {
    const pair = await pairOf('sqlite', 'postgres');
    const target = new URL(pair.service.inventory.url);
    const proxy = await proxyTo(Number(target.port));
    cleanups.push(proxy.stop);
    target.port = String(proxy.port);
    const sync = start({ ...urlsOf(pair), INVENTORY_DATABASE_URL: target.href });
    await sync.ready;
    await proxy.stop();
    await pair.legacy.query('UPDATE events SET stock = 41');
    await sync.logged((line) => line.code === 'store_unavailable' && line.group === 'inventory');
    await proxy.listen();
    // Not when something works again: that may be the opposite feed.
    await sync.logged((line) => line.msg === 'changes copied' && line.group === 'inventory');
    const expected = await expectedRows.inventory!(pair.legacy);
    expect(await actualRows('inventory', pair.service.inventory)).toEqual(expected);
  });

  test('without SYNC_INSTALL it changes no database, and says what to do', async () => {
    const pair = await pairOf('sqlite', 'sqlite');
    const sync = start({ ...urlsOf(pair), SYNC_INSTALL: 'never' });
    const line = await sync.logged((candidate) => candidate.code === 'capture_missing');
    expect(line.msg).toContain('Run `fig sync install`');
    expect(await statusOf(await sync.listening(), 'booking')).toMatchObject({ state: 'uncaptured' });
    expect(await pair.legacy.query("SELECT name FROM sqlite_schema WHERE name LIKE 'strangler%'")).toEqual(
      [],
    );
  });

  test('of two instances one works, and the other takes over when it is gone', async () => {
    const pair = await pairOf('sqlite', 'sqlite');
    const first = start(urlsOf(pair));
    await first.ready;
    const second = start({ ...urlsOf(pair), FIG_TOKEN: 'token' });
    const port = await second.listening();
    while ((await statusOf(port, 'booking')).state !== 'standby');
    // What the other instance has done is known to this one, which does nothing to it.
    expect(await statusOf(port, 'booking')).toMatchObject({ backfilled: true });
    const answer = await fetch(`http://127.0.0.1:${port}/api/groups/booking/backfill`, {
      method: 'POST',
      headers: { authorization: 'Bearer token' },
    });
    expect([answer.status, await answer.json()]).toMatchObject([409, { code: 'standby' }]);
    first.child.kill('SIGTERM');
    await first.closed;
    await second.ready;
    await pair.legacy.query("UPDATE bookings SET status = 'paid'");
    await second.logged((line) => line.msg === 'changes copied' && line.group === 'booking');
    expect(await actualRows('booking', pair.service.booking)).toEqual(
      await expectedRows.booking!(pair.legacy),
    );
  });

  test('told to copy once, it refuses what would wait for changes to be carried over', async () => {
    const pair = await pairOf('sqlite', 'sqlite');
    const sync = start({ ...urlsOf(pair), SYNC_FOLLOW: 'no', FIG_TOKEN: 'token' });
    const url = `http://127.0.0.1:${await sync.ready}/api/groups/booking`;
    const ask = (command: string, body: unknown) =>
      fetch(`${url}/${command}`, {
        method: 'POST',
        headers: { authorization: 'Bearer token' },
        body: JSON.stringify(body),
      });
    for (const answer of [await ask('verify', { mode: 'full' }), await ask('owner', { owner: 'service' })]) {
      expect([answer.status, await answer.json()]).toMatchObject([409, { code: 'not_following' }]);
    }
    const copied = await ask('backfill', {});
    expect([copied.status, await copied.json()]).toMatchObject([200, { rows: expect.any(Number) }]);
  });

  test('a declaration that does not fit stops its group with all reasons', async () => {
    const pair = await pairOf('sqlite', 'sqlite');
    await pair.service.profile.script('ALTER TABLE profiles RENAME COLUMN city TO town');
    await pair.service.profile.script('ALTER TABLE profiles RENAME COLUMN bio TO about');
    const sync = start(urlsOf(pair));
    const line = await sync.logged((candidate) => candidate.code === 'declaration_refused');
    expect(line.msg).toMatch(/users -> profiles: city: .*\n.*users -> profiles: bio: /);
    await sync.logged(
      (candidate) => candidate.msg === 'first backfill is complete' && candidate.group === 'booking',
    );
    expect(await statusOf(await sync.listening(), 'profile')).toMatchObject({ state: 'refused' });
  });
});

describe('the process', () => {
  test('a port in use is one line that names port and variable', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    cleanups.push(async () => other.close());
    const { port } = other.address() as { port: number };
    const sync = start({ SYNC_PORT: String(port), LEGACY_DATABASE_URL: 'sqlite:/nowhere/legacy.db' });
    expect(await sync.closed).toBe(1);
    expect(sync.stderr()).toBe(
      `sync-jobs cannot listen on 127.0.0.1:${port}: the port is in use. Set SYNC_PORT to another port (0 for any free one).\n`,
    );
  });

  test.each([
    [{ SYNC_VERIFY_SCHEDULE: 'often' }, 'SYNC_VERIFY_SCHEDULE is not a cron expression: often.'],
    [{ SYNC_INSTALL: 'yes' }, 'SYNC_INSTALL is not one of never, auto: yes.'],
    [{ SYNC_PORT: '70000' }, 'SYNC_PORT is not a whole number from 0 to 65535: 70000.'],
    [{ SYNC_CHUNK_ROWS: '0' }, 'SYNC_CHUNK_ROWS is not a whole number from 1 to 50000: 0.'],
    [{ LEGACY_DATABASE_URL: 'mysql://root:hidden@db/x' }, 'LEGACY_DATABASE_URL is not a database URL.'],
    [{ BOOKING_DATABASE_URL: 'sqlite:' }, 'BOOKING_DATABASE_URL is not a database URL.'],
    [{ SYNC_GROUPS_DIR: '/nowhere' }, '/nowhere: ENOENT'],
  ])('%j is one line and exit code 2', async (environment, message) => {
    const sync = start(environment as Record<string, string>);
    expect(await sync.closed).toBe(2);
    expect(sync.stderr()).toContain(message);
    expect(sync.stderr().trim().split('\n').length).toBe(1);
    expect(sync.stderr()).not.toContain('hidden');
  });

  test('a group that is declared wrong is refused at start, with every reason', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sync-jobs-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    await writeFile(
      path.join(folder, 'shop.ts'),
      `export default { name: 'shop', tables: [{ from: 'a', to: 'b', key: { from: 'id', to: 'id' }, writtenBy: 'w', owned: [
        { kind: 'copy', from: 'x', to: 'id' }, { kind: 'values', from: 'y', to: 'y', values: {} }] }] };`,
    );
    const sync = start({ SYNC_GROUPS_DIR: folder });
    expect(await sync.closed).toBe(2);
    expect(sync.stderr()).toContain(
      '  shop: a -> b: id: two fields fill it; it is the key already\n  shop: a -> b: y: its value table is empty\n',
    );
  });

  test('ends when the process that started it is gone', async () => {
    const pair = await pairOf('sqlite', 'sqlite');
    const sync = start(urlsOf(pair));
    await sync.ready;
    sync.child.disconnect();
    expect(await sync.exited).toBe(0);
  });
});

/** A way to a database that can be cut. */
async function proxyTo(
  target: number,
): Promise<{ port: number; listen(): Promise<void>; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.pipe(far).pipe(near);
  });
  const listenOn = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listenOn(0);
  return {
    port,
    listen: async () => void (await listenOn(port)),
    async stop() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function groupFile(name: string): string {
  const real = path.join(import.meta.dirname, '../groups', `${name}.ts`);
  return `export { default } from ${JSON.stringify(real)};`;
}
