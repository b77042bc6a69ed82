import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { GroupStatus } from '@strangler-fig/sync-jobs/runner/status';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSync } from '../../sync-jobs/tests/sync-process.ts';
import { type SyncSystem, startSystem, token } from './sync-system.ts';

let system: SyncSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

/** Asked without fig, which takes its time to start. */
async function statusOf(group: string): Promise<GroupStatus> {
  const answer = await fetch(`${system.url}/api/groups`);
  const { groups } = (await answer.json()) as { groups: GroupStatus[] };
  return groups.find(({ name }) => name === group)!;
}

/** Resolves when a group's row has been refused for a reason. */
function refused(group: string, code: string) {
  return system.sync.logged((line) => line.group === group && line.code === code);
}

test('status shows every group on one screen, and the same as JSON', async () => {
  const shown = await system.fig(['status']);
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  const profile = shown.stdout.slice(shown.stdout.indexOf('profile  following'));
  const feed = (name: string, role: string) =>
    new RegExp(`^  ${name} +${role} +0 rows +0\\.0 s +\\d+ +0 +0$`, 'm');
  expect(profile).toMatch(/^profile {2}following {2}owned by legacy, epoch 1\n/);
  expect(profile).toMatch(/^ {2}copy {6}complete, 3 rows$/m);
  expect(profile).toMatch(feed('forward', 'live'));
  expect(profile).toMatch(feed('back', 'armed'));
  expect(profile).toMatch(/^ {2}verify {4}never$/m);
  expect(shown.stdout).not.toContain('\x1b');
  expect(shown.stdout.match(/^\w+ {2}following/gm)).toHaveLength(3);

  const { code, stdout } = await system.fig(['status', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).groups).toMatchObject([
    { name: 'booking', state: 'following', owner: 'legacy', epoch: 1, backfilled: true },
    { name: 'inventory', state: 'following', poison: [], drift: [], lastVerify: null },
    { name: 'profile', feeds: [{ role: 'live' }, { role: 'armed', foreignChanges: 0 }] },
  ]);
});

test('a row that cannot be carried over is shown with its reason, and skip leaves it out and writes down who did', async () => {
  const { legacy, service, fig } = system;
  await legacy.query("UPDATE users SET updated_at = 'so\u001b[2Jon' WHERE id = 2");
  await refused('profile', 'row_unmappable');
  const shown = await fig(['status']);
  expect(shown.code).toBe(3);
  expect(shown.stdout).toContain('profile  poisoned  owned by legacy');
  expect(shown.stdout).toMatch(/^ {2}poison {4}profile:forward: row users 2 \(row_unmappable\), /m);
  expect(shown.stdout).toMatch(/or leave it out for good:\n {12}fig sync skip profile --row 'users 2'\n/);
  // What stands in a row does not steer the terminal.
  expect(shown.stdout).not.toContain('\x1b');

  await legacy.query("UPDATE users SET full_name = 'Behind it' WHERE id = 3");
  const unnamed = await fig(['skip', 'profile']);
  expect(unnamed).toMatchObject({ code: 2, stdout: '' });
  expect(unnamed.stderr).toMatch(
    /^Say which row is to be left out\. profile:forward stands before row users 2 \(row_unmappable\): .+updated_at/,
  );
  expect(unnamed.stderr).toContain("`fig sync skip profile --row 'users 2'`");
  const other = await fig(['skip', 'profile', '--row', 'users 3', '--json']);
  expect(other.code).toBe(3);
  expect(JSON.parse(other.stdout).error).toMatchObject({
    code: 'poison_moved',
    message: expect.stringContaining("`fig sync skip profile --row 'users 2'`"),
  });
  const skipped = await fig(['skip', 'profile', '--row', 'users 2']);
  expect(skipped).toMatchObject({ code: 0, stderr: '' });
  expect(skipped.stdout).toMatch(
    /^profile:forward: left out row 2 of users \(row_unmappable\)\n {2}.+updated_at/,
  );
  await system.sync.logged((line) => line.msg === 'works again' && line.group === 'profile');
  expect(await service.profile.query('SELECT who, action, subject FROM strangler_audit')).toEqual([
    { who: userInfo().username, action: 'skip', subject: 'profile:forward' },
  ]);
  expect(await service.profile.query('SELECT full_name FROM profiles WHERE user_id = 3')).toEqual([
    { full_name: 'Behind it' },
  ]);
  expect((await fig(['status'])).code).toBe(0);

  const none = await fig(['skip', 'profile', '--json']);
  expect(none.code).toBe(1);
  expect(JSON.parse(none.stdout).error.code).toBe('no_poison');
});

test('retry tries at once what would be tried later', async () => {
  const { legacy, service, fig } = system;
  await service.booking.script(
    "CREATE TRIGGER refuse BEFORE UPDATE ON bookings BEGIN SELECT RAISE(ABORT, 'not today'); END",
  );
  await legacy.query('UPDATE bookings SET num_tickets = 4 WHERE id = 1');
  await refused('booking', 'row_rejected');
  // The pauses grow: until one is long against the time that a command takes.
  let status = await statusOf('booking');
  while ((status.errors.row_rejected ?? 0) < 5) status = await statusOf('booking');
  await service.booking.script('DROP TRIGGER refuse');
  const retried = await fig(['retry', 'booking']);
  expect(retried).toMatchObject({ code: 0, stderr: '' });
  await system.sync.logged((line) => line.msg === 'works again' && line.group === 'booking');
  expect(Date.now()).toBeLessThan(Date.parse(status.error!.retryAt!));
  expect(await service.booking.query('SELECT quantity FROM bookings')).toEqual([{ quantity: '4' }]);
});

test('drift is shown, and is exit code 3', async () => {
  const { service, fig } = system;
  await service.inventory.script('DROP TRIGGER strangler_insert_items');
  // Looked for by the schedule, or when sync-jobs starts.
  system.sync.child.kill('SIGTERM');
  await once(system.sync.child, 'exit');
  system.sync = startSync({ ...system.environment, FIG_TOKEN: token, SYNC_INSTALL: 'never' });
  const url = `http://127.0.0.1:${await system.sync.ready}`;
  const shown = await fig(['status', '--url', url]);
  expect(shown.code).toBe(3);
  expect(shown.stdout).toMatch(
    /^ {2}drift {5}items in .+: trigger strangler_insert_items is gone; see `fig sync install`$/m,
  );
  system.url = url;
});

test('--watch without a terminal prints a line for each change, and ends in good order', async () => {
  const { legacy, url } = system;
  const child = spawn(
    process.execPath,
    [path.join(import.meta.dirname, '../fig.js'), 'sync', 'status', '--watch', '--url', url],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } },
  );
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const printed = async (text: string) => {
    while (!lines.some((line) => line.endsWith(text))) await once(reader, 'line');
  };
  await printed('profile: following, owned by legacy, epoch 1');
  await legacy.query("UPDATE users SET updated_at = 'soon' WHERE id = 1");
  await printed('profile: poisoned, owned by legacy, epoch 1, 1 poison');
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect(await ended).toEqual([3, null]);
  expect(lines).toHaveLength(4);
  expect(lines.every((line) => /^\d{4}-\d\d-\d\dT[\d:.]+Z \w+: /.test(line))).toBe(true);
});
