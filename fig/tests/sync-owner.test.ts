import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { insertUser } from '../../sync-jobs/tests/ticketnow.ts';
import { openTicketnow } from '../../sync-jobs/tests/ticketnow-system.ts';
import { type SyncSystem, startSystem } from './sync-system.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function started(filled?: Parameters<typeof startSystem>[0]): Promise<SyncSystem> {
  const system = await startSystem(filled);
  cleanups.push(() => system.close());
  return system;
}

async function errorOf(system: SyncSystem, ...args: string[]) {
  const { code, stdout } = await system.fig([...args, '--json']);
  return { exit: code, ...(JSON.parse(stdout) as { error: { code: string; message: string } }).error };
}

test('a group of which rows are known to differ is given away only to who accepts that, and the audit says so', async () => {
  const system = await started();
  const { legacy, service, fig, sync } = system;
  await service.profile.query("UPDATE profiles SET city = 'X' WHERE user_id = 1");
  expect((await fig(['verify', 'profile'])).code).toBe(3);
  await legacy.query("UPDATE users SET updated_at = 'soon' WHERE id = 2");
  await sync.logged((line) => line.group === 'profile' && line.code === 'row_unmappable');
  expect((await fig(['skip', 'profile', '--row', 'users 2'])).code).toBe(0);
  await sync.logged((line) => line.group === 'profile' && line.msg === 'works again');

  const refused = await errorOf(system, 'owner', 'profile', 'service');
  expect(refused).toMatchObject({ exit: 3, code: 'handover_refused' });
  expect(refused.message).toMatch(
    /^profile stays with the legacy side: the last verification found 1 row that differ.*; left out by `fig sync skip` and different since: users 2\. /,
  );
  expect(refused.message).toContain('`fig sync owner profile service --accept-differences`');
  const status = JSON.parse((await fig(['status', '--json'])).stdout).groups[2];
  expect(status).toMatchObject({ name: 'profile', owner: 'legacy', epoch: 1 });

  const accepted = await fig(['owner', 'profile', 'service', '--accept-differences']);
  expect(accepted).toMatchObject({ code: 0, stdout: 'profile: owned by service, epoch 2\n' });
  const [entry] = await legacy.query("SELECT who, detail FROM strangler_audit WHERE action = 'owner'");
  expect(entry!.who).toBe(userInfo().username);
  expect(JSON.parse(entry!.detail!)).toEqual({
    from: 'legacy',
    to: 'service',
    epoch: 2,
    acceptedDifferences: [
      'the last verification found 1 row that differs',
      'left out by `fig sync skip` and different since: users 2',
    ],
  });
});

test('a row that was left out keeps nothing back once a later change of it has been carried over', async () => {
  const system = await started();
  const { legacy, service, fig, sync } = system;
  await legacy.query("UPDATE users SET updated_at = 'soon' WHERE id = 2");
  await sync.logged((line) => line.group === 'profile' && line.code === 'row_unmappable');
  expect((await fig(['skip', 'profile', '--row', 'users 2'])).code).toBe(0);
  await sync.logged((line) => line.group === 'profile' && line.msg === 'works again');
  expect(await errorOf(system, 'owner', 'profile', 'service')).toMatchObject({ exit: 3 });
  const found = await fig(['verify', 'profile']);
  expect(found.code).toBe(3);
  expect(found.stdout).toContain('  users 2 cannot be carried over: the mapping refuses it\n');
  await legacy.query("UPDATE users SET updated_at = '2026-11-20 10:00:00', city = 'Bonn' WHERE id = 2");
  expect((await fig(['verify', 'profile', '--changed'])).code).toBe(0);
  const given = await fig(['owner', 'profile', 'service']);
  expect(given).toMatchObject({ code: 0, stdout: 'profile: owned by service, epoch 2\n' });
  expect(await service.profile.query('SELECT city FROM profiles WHERE user_id = 2')).toEqual([
    { city: 'Bonn' },
  ]);
});

test('a transaction that keeps a feed from catching up is named', async () => {
  const databases = await openTicketnow('postgres', 'sqlite');
  for (const id of [1, 2]) await insertUser(databases.legacy, id);
  const system = await started(databases);
  await databases.legacy.transaction(async (query) => {
    await query("UPDATE users SET city = 'Bonn' WHERE id = 1");
    await databases.legacy.query("UPDATE users SET city = 'Bonn' WHERE id = 2");
    const refused = await errorOf(system, 'owner', 'profile', 'service');
    expect(refused).toMatchObject({ exit: 3, code: 'handover_refused' });
    expect(refused.message).toMatch(/profile:forward did not catch up within 10 s: it is held back by .*\d/);
  });
  expect((await system.fig(['owner', 'profile', 'service'])).code).toBe(0);
});

test('a database that is away is said, and who owns the group stays', async () => {
  const databases = await openTicketnow('sqlite', 'postgres');
  await insertUser(databases.legacy, 1);
  const door = await doorTo(databases.environment.PROFILE_DATABASE_URL!);
  cleanups.push(door.close);
  databases.environment.PROFILE_DATABASE_URL = door.url;
  const system = await started(databases);
  await door.close();
  await databases.legacy.query("UPDATE users SET city = 'Bonn' WHERE id = 1");
  const refused = await errorOf(system, 'owner', 'profile', 'service');
  expect(refused).toMatchObject({ exit: 3, code: 'handover_refused' });
  expect(refused.message).toMatch(/^profile stays with the legacy side: PostgreSQL at 127\.0\.0\.1:/);
});

/** A way to a server that can be shut. */
async function doorTo(database: string): Promise<{ url: string; close(): Promise<void> }> {
  const url = new URL(database);
  const [port, host] = [Number(url.port), url.hostname];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const inner = connect(port, host);
    for (const one of [socket, inner]) {
      open.add(one);
      one.on('error', () => {});
      one.on('close', () => open.delete(one));
    }
    socket.pipe(inner).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    async close() {
      if (!server.listening) return;
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}
