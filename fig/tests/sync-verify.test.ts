import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SyncSystem, startSystem } from './sync-system.ts';

let system: SyncSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

const profiles = () =>
  system.service.profile.query('SELECT user_id, full_name, city FROM profiles ORDER BY user_id');

/** One row that says something else, one that is gone, one that nobody made. */
async function corrupt(): Promise<void> {
  const { profile } = system.service;
  await profile.query("UPDATE profiles SET full_name = 'Somebody else', city = 'X' WHERE user_id = 1");
  await profile.query('DELETE FROM profiles WHERE user_id = 2');
  await profile.query(
    "INSERT INTO profiles (user_id, full_name, newsletter, updated_at, written_by) VALUES (99, 'Nobody', 0, 0, 'sync')",
  );
}

const found = [
  { table: 'users', shownKey: '1', kind: 'different', columns: ['full_name', 'city'] },
  { table: 'users', shownKey: '2', kind: 'missing', columns: [] },
  { table: 'users', shownKey: '99', kind: 'extra', columns: [] },
];

describe('a corrupted, a missing and an extra row', () => {
  test('are found by verify, which is clean before', async () => {
    const clean = await system.fig(['verify']);
    expect(clean).toMatchObject({ code: 0, stderr: '' });
    expect(clean.stdout).toMatch(
      /^booking {2}full, 1 row in [\d.]+ s: no row differs\ninventory {2}full, 2 rows in .+\nprofile {2}full, 3 rows in .+\n$/,
    );
    await corrupt();
    const { code, stdout } = await system.fig(['verify', 'profile', '--json']);
    expect(code).toBe(3);
    const { groups } = JSON.parse(stdout);
    expect(groups).toMatchObject([{ group: 'profile', report: { mode: 'full', rows: 3, different: 3 } }]);
    expect(groups[0].report.differences).toEqual(expect.arrayContaining(found));

    const shown = await system.fig(['verify', 'profile', 'booking']);
    expect(shown.code).toBe(3);
    expect(shown.stdout).toContain('  users 1 differs in full_name, city\n');
    expect(shown.stdout).toContain('  users 2 is missing at the service\n');
    expect(shown.stdout).toContain('  users 99 is not there at the legacy side, only at the service\n');
    expect(shown.stdout).toContain('booking  full, 1 row');

    const status = await system.fig(['status']);
    expect(status.code).toBe(3);
    expect(status.stdout).toMatch(/^ {2}verify {4}.+ \(full\): 3 rows, 3 different, 0 unsettled$/m);
  });

  test('are listed by repair, which changes nothing until it is told to', async () => {
    await system.service.profile.query(
      "INSERT INTO profiles (user_id, full_name, newsletter, updated_at, written_by) VALUES (98, 'No one', 0, 0, 'sync')",
    );
    const before = await profiles();
    const dry = await system.fig(['repair', 'profile']);
    expect(dry.code).toBe(3);
    expect(dry.stdout).toContain('  users 99 is not there at the legacy side, only at the service\n');
    expect(dry.stdout).toContain(
      'Nothing was changed. `fig sync repair profile --apply` writes 2 rows from the legacy side and removes 2 rows that only the service has.\n',
    );
    expect(await profiles()).toEqual(before);

    const applied = await system.fig(['repair', 'profile', '--apply']);
    expect(applied).toMatchObject({ code: 0, stderr: '' });
    expect(applied.stdout).toMatch(
      /\n2 rows written from the legacy side and 2 rows removed that only the service had\.\nprofile {2}full, 3 rows .+: no row differs\n$/,
    );
    const mended = [1, 2, 3].map((id) => ({ user_id: `${id}`, full_name: `User ${id}`, city: null }));
    expect(await profiles()).toEqual(mended);
    const [entry, ...more] = await system.legacy.query(
      "SELECT who, subject, detail FROM strangler_audit WHERE action = 'repair'",
    );
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ who: userInfo().username, subject: 'profile' });
    expect(JSON.parse(entry!.detail!)).toMatchObject({ table: 'profiles', written: 2, removed: 2 });

    expect((await system.fig(['verify', 'profile'])).code).toBe(0);
    expect((await system.fig(['status'])).code).toBe(0);
    const nothing = await system.fig(['repair', 'profile', '--apply', '--json']);
    expect(nothing.code).toBe(0);
    expect(JSON.parse(nothing.stdout)).toMatchObject({
      applied: true,
      before: { different: 0 },
      after: null,
      written: 0,
      removed: 0,
    });
  });
});

test('verify --changed finds what changed since, and forgets nothing that was found before', async () => {
  await system.legacy.query("UPDATE users SET bio = 'new' WHERE id = 3");
  const clean = await system.fig(['verify', 'profile', '--changed', '--json']);
  expect(clean.code).toBe(0);
  expect(JSON.parse(clean.stdout).groups[0].report).toMatchObject({ mode: 'incremental', rows: 1 });

  await corrupt();
  expect((await system.fig(['verify', 'profile'])).code).toBe(3);
  const still = await system.fig(['verify', 'profile', '--changed', '--json']);
  expect(JSON.parse(still.stdout).groups[0].report).toMatchObject({ different: 3 });
  expect(still.code).toBe(3);
  expect((await system.fig(['status'])).code).toBe(3);
  expect((await system.fig(['repair', 'profile', '--apply'])).code).toBe(0);

  const both = await system.fig(['verify', '--full', '--changed']);
  expect(both).toMatchObject({ code: 2, stdout: '' });
});

test('owner gives a group to the service and back, and the epoch grows each time', async () => {
  const given = await system.fig(['owner', 'profile', 'service']);
  expect(given).toMatchObject({ code: 0, stdout: 'profile: owned by service, epoch 2\n' });
  expect(given.stderr).toContain('Nobody is kept from writing meanwhile');
  expect(given.stderr).toContain('The coordinated handover is to come.');
  const status = await system.fig(['status']);
  expect(status.stdout).toMatch(/^profile {2}\w+ {2}owned by service, epoch 2\n/m);
  await system.service.profile.query(
    "UPDATE profiles SET city = 'Bonn', written_by = 'service' WHERE user_id = 3",
  );
  const again = await system.fig(['owner', 'profile', 'service']);
  expect(again.stdout).toBe('profile: already owned by service, epoch 2\n');

  const back = await system.fig(['owner', 'profile', 'legacy', '--json']);
  expect(back).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(back.stdout)).toMatchObject({ group: 'profile', owner: 'legacy', epoch: 3 });
  expect(await system.legacy.query('SELECT city FROM users WHERE id = 3')).toEqual([{ city: 'Bonn' }]);
  expect((await system.fig(['owner', 'profile', 'both'])).code).toBe(2);
});

test('owner is refused with all reasons, and exit code 3, where changes cannot be carried over', async () => {
  await system.legacy.query("UPDATE users SET updated_at = 'soon' WHERE id = 1");
  await system.sync.logged((line) => line.group === 'profile' && line.code === 'row_unmappable');
  const refused = await system.fig(['owner', 'profile', 'service', '--json']);
  expect(refused.code).toBe(3);
  expect(JSON.parse(refused.stdout).error).toMatchObject({
    code: 'handover_refused',
    message: expect.stringContaining(
      'profile stays with the legacy side: profile:forward stands before a row',
    ),
  });
  const status = JSON.parse((await system.fig(['status', '--json'])).stdout).groups[2];
  expect(status).toMatchObject({ name: 'profile', owner: 'legacy', epoch: 3 });
});

test('backfill copies a group anew and says how many rows', async () => {
  await system.service.inventory.query('UPDATE items SET stock = 7');
  const copied = await system.fig(['backfill', 'inventory']);
  expect(copied).toMatchObject({ code: 0, stdout: 'inventory: 2 rows copied anew\n', stderr: '' });
  expect(await system.service.inventory.query('SELECT DISTINCT stock FROM items')).toEqual([
    { stock: '100' },
  ]);
});
