import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GroupStatus } from '@strangler-fig/sync-jobs/runner/status';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../sync-jobs/tests/databases.ts';
import { startSync } from '../../sync-jobs/tests/sync-process.ts';
import { statusText } from '../commands/sync/status-text.ts';
import { runFig } from './fig-process.ts';

let folder: string;
let legacy: TestDatabase;
let service: TestDatabase;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fig-groups-'));
  legacy = await freshDatabase('postgres');
  service = await freshDatabase('sqlite');
  await legacy.script(
    "CREATE TABLE people (id integer PRIMARY KEY, name text); INSERT INTO people VALUES (1, 'Ada')",
  );
  await service.script('CREATE TABLE persons (id INTEGER PRIMARY KEY, name TEXT)');
});
afterEach(async () => {
  await legacy.drop();
  await service.drop();
  await rm(folder, { recursive: true });
});

const declare = (name: string, capture: 'triggers' | 'decoding') =>
  writeFile(
    path.join(folder, `${name}.ts`),
    `export default { name: '${name}', capture: '${capture}', tables: [{ from: 'people', to: 'persons',
       key: { from: 'id', to: 'id' }, owned: [{ kind: 'copy', from: 'name', to: 'name' }] }] };\n`,
  );
const environment = () => ({
  SYNC_GROUPS_DIR: folder,
  LEGACY_DATABASE_URL: legacy.url,
  PEOPLE_DATABASE_URL: service.url,
  OTHERS_DATABASE_URL: service.url,
});
const fig = (...args: string[]) => runFig(['sync', ...args], { env: environment() });
const slots = () =>
  legacy.query('SELECT slot_name AS name FROM pg_replication_slots WHERE database = current_database()');
const triggers = () => legacy.query("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'strangler%'");

test('install moves a group from triggers to decoding and back, and shows it first', async () => {
  await declare('people', 'triggers');
  expect((await fig('install', '--apply')).code).toBe(0);
  expect(await triggers()).toHaveLength(4);

  await declare('people', 'decoding');
  const there = await fig('install');
  expect(there.stdout).toContain('SELECT pg_create_logical_replication_slot(');
  expect(there.stdout).toContain('DROP TRIGGER "strangler_insert_people" ON "people";\n');
  expect(await triggers()).toHaveLength(4);
  expect((await fig('install', '--apply')).code).toBe(0);
  expect(await triggers()).toEqual([]);
  expect(await slots()).toHaveLength(1);
  expect((await fig('install')).stdout).toBe('Capture is installed; there is nothing to do.\n');

  await declare('people', 'triggers');
  const back = await fig('install');
  expect(back.stdout).toContain('CREATE TRIGGER "strangler_insert_people"');
  expect(back.stdout).toContain('SELECT pg_drop_replication_slot(');
  expect(back.stdout).toContain('DROP PUBLICATION "strangler_people";\n');
  expect(await slots()).toHaveLength(1);
  expect((await fig('install', '--apply')).code).toBe(0);
  expect(await triggers()).toHaveLength(4);
  expect(await slots()).toEqual([]);
  expect((await fig('install')).stdout).toBe('Capture is installed; there is nothing to do.\n');
});

test('install leaves the triggers to another group that reads the same table, also if it is not asked about', async () => {
  await declare('people', 'triggers');
  await declare('others', 'triggers');
  await fig('install', '--apply');
  await declare('people', 'decoding');
  expect((await fig('install', 'people', '--apply')).code).toBe(0);
  expect(await slots()).toHaveLength(1);
  expect(await triggers()).toHaveLength(4);
});

test('a group that is decoded shows its slot: as JSON, as text, and in the metrics', async () => {
  await declare('people', 'decoding');
  await fig('install', '--apply');
  const sync = startSync({ ...environment(), SYNC_INSTALL: 'never' });
  const url = `http://127.0.0.1:${await sync.ready}`;
  const status = (...args: string[]) =>
    runFig(['sync', 'status', '--url', url, ...args], { env: environment() });
  const { groups } = JSON.parse((await status('--json')).stdout) as { groups: GroupStatus[] };
  const [{ name }] = (await slots()) as [{ name: string }];
  expect(groups[0]!.slot).toMatchObject({ name, state: 'reserved', remainingBytes: null, danger: null });
  expect((await status()).stdout).toMatch(
    /^ {2}slot {6}reserved, keeps [\d.]+ ([kM]B|bytes) of the log, [\d.]+ ([kM]B|bytes) of it not confirmed yet$/m,
  );
  const metrics = async () => (await fetch(`${url}/metrics`)).text();
  expect(await metrics()).toMatch(/^strangler_sync_slot_retained_bytes\{group="people"\} [1-9]\d*$/m);
  expect(await metrics()).toMatch(/^strangler_sync_slot_behind_bytes\{group="people"\} \d+$/m);
  expect(await metrics()).not.toMatch(/^strangler_sync_slot_remaining_bytes\{/m);
  expect(await metrics()).toContain('\nstrangler_sync_slot_lost{group="people"} 0\n');

  // The feed may be reading it just then.
  while ((await slots()).length > 0) {
    await legacy.query('SELECT pg_drop_replication_slot(?)', name).catch(() => {});
  }
  expect(await metrics()).toContain('\nstrangler_sync_slot_lost{group="people"} 1\n');
  expect((await status()).stdout).toContain(
    '  slot      missing: changes go unseen; see `fig sync install`\n',
  );
  sync.child.kill('SIGTERM');
  await once(sync.child, 'exit');
});

test('a slot that the server will give up is warned of, with what may still be logged', async () => {
  const slot = {
    name: 'strangler_1_people',
    state: 'extended' as const,
    retainedBytes: 912_345_678,
    behindBytes: 900,
    remainingBytes: 87_000_000,
  };
  const shown = (danger: 'soon' | null) =>
    statusText([{ ...following, slot: { ...slot, danger } }], 0).join('\n');
  const warning = 'PostgreSQL gives it up after 87.0 MB more (max_slot_wal_keep_size)';
  expect(shown('soon')).toContain(warning);
  expect(shown(null)).toContain('extended, keeps 912.3 MB of the log, 900 bytes of it not confirmed yet');
  expect(shown(null)).not.toContain(warning);
  expect(statusText([following], 0).join('\n')).not.toContain('slot');
});

const following: GroupStatus = {
  name: 'people',
  state: 'following',
  owner: 'legacy',
  epoch: 1,
  legacy: 'a',
  service: 'b',
  backfilled: true,
  progress: { done: 0, total: 0, etaSeconds: null },
  feeds: [],
  poison: [],
  drift: [],
  lastVerify: null,
  errors: {},
  error: null,
};
