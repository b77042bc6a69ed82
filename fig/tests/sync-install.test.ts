import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Dialect, freshDatabase, type TestDatabase } from '../../sync-jobs/tests/databases.ts';
import { startSync } from '../../sync-jobs/tests/sync-process.ts';
import { createLegacyTables } from '../../sync-jobs/tests/ticketnow.ts';
import { runFig } from './fig-process.ts';
import { openFilled } from './sync-system.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function opened(dialect: Dialect) {
  const databases = await openFilled(dialect);
  cleanups.push(() => databases.close());
  const fig = (...args: string[]) => runFig(['sync', ...args], { env: databases.environment });
  return { ...databases, all: [databases.legacy, ...Object.values(databases.service)], fig };
}

/** Everything of ours in a database, by the database's own catalogue. */
async function ours(database: TestDatabase): Promise<string[]> {
  const sql =
    database.dialect === 'sqlite'
      ? "SELECT type || ' ' || name AS what FROM sqlite_schema WHERE name LIKE 'strangler%' AND type <> 'index'"
      : `SELECT 'table ' || relname AS what FROM pg_class WHERE relname LIKE 'strangler%' AND relkind = 'r'
         UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname LIKE 'strangler%'
         UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE proname LIKE 'strangler%'`;
  return (await database.query(sql)).map(({ what }) => what!);
}

describe.each<Dialect>(['sqlite', 'postgres'])('on %s', (dialect) => {
  test('install shows its SQL and changes nothing, --apply installs, and then there is nothing to do', async () => {
    const { all, legacy, service, fig } = await opened(dialect);
    const dry = await fig('install');
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toContain('CREATE TABLE strangler_log (');
    expect(dry.stdout).toContain('CREATE TRIGGER "strangler_insert_users" AFTER INSERT ON "users"');
    expect(dry.stdout).toContain('Nothing was changed. Run `fig sync install --apply` to run this.');
    expect(dry.stdout.match(/^-- .* \((legacy|service): /gm)).toHaveLength(4);
    // The servers of the tests take the user's name for a password: nothing of it may show.
    expect(dry.stdout).not.toMatch(/:\/\/|@127/);
    for (const database of all) expect(await ours(database)).toEqual([]);

    const applied = await fig('install', '--apply');
    expect(applied).toMatchObject({ code: 0, stderr: '' });
    expect(applied.stdout).toMatch(/\(legacy: booking, inventory, profile\)\n-- \d+ statements run\n/);
    for (const database of all) expect(await ours(database)).toContain('table strangler_log');
    await legacy.query("UPDATE users SET full_name = 'Changed' WHERE id = 1");
    await legacy.query('UPDATE bookings SET num_tickets = 3 WHERE id = 1');
    expect(await legacy.query('SELECT tbl FROM strangler_log ORDER BY id')).toEqual([
      { tbl: 'users' },
      { tbl: 'bookings' },
    ]);

    const again = await fig('install');
    expect(again).toEqual({ code: 0, stderr: '', stdout: 'Capture is installed; there is nothing to do.\n' });

    const on = dialect === 'postgres' ? ' ON profiles' : '';
    await service.profile.query(`DROP TRIGGER strangler_delete_profiles${on}`);
    const drift = JSON.parse((await fig('install', 'profile', '--json')).stdout);
    expect(drift).toMatchObject({
      applied: false,
      databases: [
        { side: 'legacy', groups: ['profile'], statements: [], drift: [] },
        { side: 'service', drift: [{ table: 'profiles', kind: 'missing' }] },
      ],
    });
    expect((await fig('install', 'profile')).stdout).toContain(
      '-- not as installed: profiles: trigger strangler_delete_profiles is gone\n',
    );
    expect((await fig('install', '--apply')).code).toBe(0);
    expect(await ours(service.profile)).toContain('trigger strangler_delete_profiles');
    expect((await fig('install')).stdout).toBe('Capture is installed; there is nothing to do.\n');
  });

  test('uninstall shows its SQL, and --apply leaves nothing behind', async () => {
    const { all, legacy, fig } = await opened(dialect);
    await fig('install', '--apply');
    const before = await Promise.all(all.map(ours));
    const dry = await fig('uninstall');
    expect(dry.stdout).toContain('DROP TABLE IF EXISTS strangler_log;\n');
    expect(dry.stdout).toContain('Feeds have to copy everything anew afterwards.\n');
    expect(await Promise.all(all.map(ours))).toEqual(before);

    expect(await fig('uninstall', '--apply')).toMatchObject({ code: 0, stderr: '' });
    for (const database of all) expect(await ours(database)).toEqual([]);
    await legacy.query("UPDATE users SET full_name = 'Changed' WHERE id = 1");
    expect((await fig('uninstall')).stdout).toBe('Nothing is installed; there is nothing to do.\n');
  });
});

test('uninstall is refused while a service owns a group: what it forgets would be who owns it', async () => {
  const { legacy, fig } = await opened('sqlite');
  await fig('install', '--apply');
  await legacy.query("INSERT INTO strangler_owner VALUES ('booking', 'service', 2, 0)");
  const before = await ours(legacy);
  const dry = await fig('uninstall');
  expect(dry.code).toBe(0);
  expect(dry.stderr).toMatch(/^--apply would be refused now: booking: the service owns the group's rows\./);
  expect(dry.stdout).toContain('\nStop sync-jobs first.\n');
  const refused = await fig('uninstall', '--apply', '--json');
  expect(refused.code).toBe(3);
  expect(JSON.parse(refused.stdout).error).toMatchObject({
    code: 'service_owns',
    hint: expect.stringContaining('fig sync owner booking legacy'),
  });
  expect(await ours(legacy)).toEqual(before);
});

test('uninstall is refused while sync-jobs works on a group, unless it is forced; the status then says so', async () => {
  const { legacy, fig, environment } = await opened('sqlite');
  await fig('install', '--apply');
  const sync = startSync({ ...environment, SYNC_INSTALL: 'never' });
  const url = `http://127.0.0.1:${await sync.ready}`;
  cleanups.push(async () => {
    sync.child.kill('SIGTERM');
    await sync.closed;
  });
  const before = await ours(legacy);
  const dry = await fig('uninstall');
  expect(dry.stderr).toMatch(
    /^--apply would be refused now: sync-jobs works on booking, inventory, profile\. Stop sync-jobs first/,
  );
  const refused = await fig('uninstall', '--apply', '--json');
  expect(refused.code).toBe(3);
  expect(JSON.parse(refused.stdout).error).toMatchObject({
    code: 'sync_running',
    hint: expect.stringContaining('--force'),
  });
  expect(await ours(legacy)).toEqual(before);

  expect((await fig('uninstall', '--apply', '--force')).code).toBe(0);
  expect(await ours(legacy)).toEqual([]);
  await legacy.query("UPDATE users SET city = 'Bonn' WHERE id = 1");
  await sync.logged((line) => line.group === 'profile' && line.code === 'capture_missing');
  const status = await fig('status', '--url', url);
  const profile = status.stdout.slice(status.stdout.indexOf('profile  uncaptured'));
  expect(profile).toMatch(/^ {2}copy {6}none: capture is not installed, and all is copied once it is$/m);
});

test('uninstall goes on where sync-jobs has been stopped', async () => {
  const { legacy, fig, environment } = await opened('sqlite');
  const sync = startSync(environment);
  await sync.ready;
  sync.child.kill('SIGTERM');
  await sync.closed;
  expect(await fig('uninstall', '--apply')).toMatchObject({ code: 0, stderr: '' });
  expect(await ours(legacy)).toEqual([]);
});

test('a group whose tables are not there is left out and said, the others are installed', async () => {
  const { service, legacy, fig } = await opened('sqlite');
  await service.booking.script('DROP TABLE bookings');
  const applied = await fig('install', '--apply');
  expect(applied.code).toBe(1);
  expect(applied.stderr).toContain('booking is left out: booking waits for bookings in ');
  const triggers = await ours(legacy);
  expect(triggers).toContain('trigger strangler_insert_users');
  expect(triggers).not.toContain('trigger strangler_insert_bookings');
});

test('a declaration that does not hold is refused with all reasons before anything is changed', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fig-groups-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const legacy = await freshDatabase('sqlite');
  cleanups.push(() => legacy.drop());
  await createLegacyTables(legacy);
  const service = await freshDatabase('sqlite');
  cleanups.push(() => service.drop());
  await service.script('CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, town TEXT)');
  const declare = (owned: string) =>
    writeFile(
      path.join(folder, 'people.ts'),
      `export default { name: 'people', tables: [{ from: 'users', to: 'people', key: { from: 'id', to: 'id' }, owned: [${owned}] }] };\n`,
    );
  const run = () =>
    runFig(['sync', 'install', '--apply'], {
      env: {
        SYNC_GROUPS_DIR: folder,
        LEGACY_DATABASE_URL: legacy.url,
        PEOPLE_DATABASE_URL: service.url,
      },
    });

  await declare("{ kind: 'copy', from: 'full_name', to: 'name' }, { kind: 'copy', from: 'bio', to: 'name' }");
  const twice = await run();
  expect(twice).toMatchObject({ code: 2, stdout: '' });
  expect(twice.stderr).toContain('people: users -> people: name: two fields fill it');
  expect(twice.stderr).toContain('\nCorrect the file of that group, in SYNC_GROUPS_DIR or,');

  // A trigger that names a column which is not there would fail every write of the monolith.
  await declare("{ kind: 'copy', from: 'nickname', to: 'name' }, { kind: 'copy', from: 'home', to: 'town' }");
  const absent = await run();
  expect(absent).toMatchObject({ code: 2, stdout: '' });
  expect(absent.stderr).toContain('users has no column nickname');
  expect(absent.stderr).toContain('users has no column home');
  expect(await ours(legacy)).toEqual([]);
  expect(await readFile(path.join(folder, 'people.ts'), 'utf8')).toContain('nickname');
});

test('a group or a variable that is wrong is said, with exit code 2', async () => {
  const { fig, environment } = await opened('sqlite');
  const unknown = await fig('install', 'bookings');
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toContain('The groups are booking, inventory, profile.');
  const wrong = await runFig(['sync', 'install'], {
    env: { ...environment, BOOKING_DATABASE_URL: 'mysql://user:secret@host/db' },
  });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('BOOKING_DATABASE_URL is not a database URL.');
  expect(wrong.stderr).not.toContain('secret');
});
