import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSync } from '../../sync-jobs/tests/sync-process.ts';
import { insertUser } from '../../sync-jobs/tests/ticketnow.ts';
import { runFig } from './fig-process.ts';
import { openFilled, type SyncSystem, startSystem, token } from './sync-system.ts';

let system: SyncSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

test('without a token nothing is asked, and the hint says where it is', async () => {
  for (const args of [['verify'], ['repair', 'booking'], ['skip', 'booking'], ['backfill', 'booking']]) {
    const { code, stderr } = await system.fig(args, { FIG_TOKEN: '' });
    expect(code).toBe(2);
    expect(stderr).toContain('FIG_TOKEN is not set');
    expect(stderr).toContain('.data/secrets.json');
  }
  expect((await system.fig(['status'], { FIG_TOKEN: '' })).code).toBe(0);
});

test('with another token it is refused, in words and as JSON', async () => {
  const { code, stderr } = await system.fig(['retry', 'booking'], { FIG_TOKEN: 'another' });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^FIG_TOKEN is another one here than .+\.data\/secrets\.json\.\n$/);
  const json = await system.fig(['verify', '--json'], { FIG_TOKEN: 'another' });
  expect(json).toMatchObject({ code: 2, stderr: '' });
  expect(JSON.parse(json.stdout).error.code).toBe('token_required');
});

test('a group that is not there is a usage error that names it, whatever is asked', async () => {
  for (const args of [
    ['retry', 'bookings'],
    ['skip', 'bookings'],
    ['skip', 'bookings', '--row', 'bookings 1'],
    ['backfill', 'bookings'],
    ['repair', 'bookings'],
    ['owner', 'bookings', 'service'],
    ['verify', 'bookings', 'booking'],
  ]) {
    const { code, stdout, stderr } = await system.fig(args);
    expect([args, code, stdout]).toEqual([args, 2, '']);
    expect(stderr).toContain('There is no group bookings; the groups are booking, inventory, profile.');
  }
});

test('before the first copy is complete verify and repair are refused, with exit code 3', async () => {
  const filled = await openFilled('sqlite');
  for (let id = 10; id < 60; id++) await insertUser(filled.legacy, id);
  const sync = startSync({
    ...filled.environment,
    FIG_TOKEN: token,
    SYNC_CHUNK_ROWS: '1',
    SYNC_ROWS_PER_SECOND: '1',
  });
  const url = `http://127.0.0.1:${await sync.listening()}`;
  for (const command of ['verify', 'repair']) {
    const { code, stdout, stderr } = await system.fig([command, 'profile', '--url', url]);
    expect([command, code, stdout]).toEqual([command, 3, '']);
    expect(stderr).toMatch(/profile: the first copy is not complete .+`fig sync status --watch`/);
  }
  sync.child.kill('SIGTERM');
  await sync.closed;
  await filled.close();
});

test('sync-jobs that is not there, or something else in its place, is said with what to do', async () => {
  const server = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('Hi'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const other = await runFig(['sync', 'status', '--url', url]);
  expect(other.code).toBe(1);
  expect(other.stderr).toContain('is not sync-jobs');
  await new Promise((resolve) => server.close(resolve));

  const away = await runFig(['sync', 'status', '--url', url]);
  expect(away.code).toBe(1);
  expect(away.stderr).toContain(`sync-jobs cannot be reached at ${url}/ (ECONNREFUSED).`);
  expect(away.stderr).toContain('npm start');
  const json = await runFig(['sync', 'status', '--watch', '--json'], { env: { SYNC_URL: url } });
  expect(json).toMatchObject({ code: 1, stderr: '' });
  expect(JSON.parse(json.stdout).error.code).toBe('sync_unreachable');
  expect((await runFig(['sync', 'status', '--url', 'nowhere'])).code).toBe(2);
  expect((await system.fig(['verify', 'booking', '--url', 'nowhere'])).code).toBe(2);
});
