import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runFig } from './fig-process.ts';
import { type SyncSystem, startSystem } from './sync-system.ts';

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
  expect(code).toBe(1);
  expect(stderr).toMatch(/^A valid token is required: .+\.data\/secrets\.json\.\n$/);
  const json = await system.fig(['verify', '--json'], { FIG_TOKEN: 'another' });
  expect(json).toMatchObject({ code: 1, stderr: '' });
  expect(JSON.parse(json.stdout).error.code).toBe('token_required');
});

test('a group that is not there is said, and keeps the others from nothing', async () => {
  const retried = await system.fig(['retry', 'bookings']);
  expect(retried.code).toBe(1);
  expect(retried.stderr).toContain('The groups are booking, inventory, profile.');
  const verified = await system.fig(['verify', 'bookings', 'booking', '--json']);
  expect(verified.code).toBe(1);
  expect(JSON.parse(verified.stdout).groups).toMatchObject([
    { group: 'bookings', error: { code: 'group_not_found' } },
    { group: 'booking', report: { different: 0 } },
  ]);
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
