import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../testing/embedded-postgres.ts';
import { createDatabaseOn } from '../../testing/postgres-database.ts';
import { install } from '../capture/installation.ts';
import { installDecoding, planDecoding, uninstallDecoding } from '../decoding/installation.ts';
import { DecodingSource } from '../decoding/source.ts';
import { slotStatus } from '../decoding/status.ts';
import { Feed } from '../feed/feed.ts';
import { copy } from '../mapping/fields.ts';
import { defineGroup } from '../mapping/group.ts';
import type { SourceTable } from '../mapping/plan.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { freshDatabase, type TestDatabase } from './databases.ts';

// What a server does to a slot: it ends and starts again, gives the slot up, waits for a standby. The server is this
// file's own.

const group = defineGroup({
  name: 'parts',
  capture: 'decoding',
  tables: [
    {
      from: 'parts',
      to: 'parts',
      key: { from: 'id', to: 'id' },
      owned: [copy('count')],
    },
  ],
});
const parts: SourceTable = {
  table: 'parts',
  key: ['id'],
  columns: ['id', 'count'],
  types: ['integer', 'integer'],
};

let server: Awaited<ReturnType<typeof ownServer>>;
let database: Awaited<ReturnType<typeof createDatabaseOn>>;
let service: TestDatabase;
let legacy: Store;
let app: pg.Client;
let opened: Store[] = [];
beforeAll(async () => {
  server = await ownServer();
});
afterAll(() => server.remove());
beforeEach(async () => {
  database = await createDatabaseOn(server.url);
  service = await freshDatabase('sqlite');
  await service.script('CREATE TABLE parts (id INTEGER PRIMARY KEY, count INTEGER)');
  app = await connected();
  await app.query('CREATE TABLE parts (id integer PRIMARY KEY, count integer)');
  legacy = open(database.url);
  await install(legacy, [group], 'legacy');
  await install(open(service.url), [group], 'service');
  await installDecoding(legacy, [group]);
});
afterEach(async () => {
  await app.query('ALTER SYSTEM RESET ALL');
  await app.query('SELECT pg_reload_conf()');
  await uninstallDecoding(legacy);
  await app.end();
  for (const store of opened.splice(0)) await store.close();
  await database.drop();
  await service.drop();
});

function open(url: string): Store {
  const store = openStore(parseDatabaseUrl(url, 'TEST'));
  opened = [...opened, store];
  return store;
}

async function connected(): Promise<pg.Client> {
  const client = new pg.Client(database.url);
  client.on('error', () => {});
  await client.connect();
  return client;
}

function newFeed(): Feed {
  const [source, target] = [open(database.url), open(service.url)];
  return new Feed({ group, direction: 'forward', source, target, chunkRows: 1_000 });
}

async function drain(feed: Feed): Promise<{ changes: number; copied: number }> {
  const total = { changes: 0, copied: 0 };
  for (let idle = false; !idle; ) {
    const step = await feed.step('legacy');
    total.changes += step.changes;
    total.copied += step.copied;
    idle = step.idle;
  }
  return total;
}

const expectEqual = async () => {
  const { rows: there } = await app.query('SELECT id::text, count::text FROM parts ORDER BY parts.id');
  expect(await service.query('SELECT id, count FROM parts ORDER BY id')).toEqual(there);
};
const setting = async (name: string, value: string) => {
  await app.query(`ALTER SYSTEM SET ${name} = '${value}'`);
  await app.query('SELECT pg_reload_conf()');
  // Every process takes it over in its own time.
  const shown = async () => {
    const client = await connected();
    const { rows: found } = await client.query(`SHOW ${name}`);
    await client.end();
    return found[0][name];
  };
  while ((await shown()) !== value || (await app.query(`SHOW ${name}`)).rows[0][name] !== value);
};

test('goes on after the server was killed, from where the target is', async () => {
  await app.query('INSERT INTO parts SELECT n, 1 FROM generate_series(1, 50) n');
  await drain(newFeed());
  await app.query('UPDATE parts SET count = 2 WHERE id <= 25');
  expect(await drain(newFeed())).toEqual({ changes: 25, copied: 0 });
  await service.query('UPDATE parts SET count = -1 WHERE id = 1');
  await app.query("SET synchronous_commit = 'off'");
  await app.query('UPDATE parts SET count = 3 WHERE id = 50');
  const before = newFeed();
  await before.step('legacy');
  await server.stop('immediate');
  await expect(before.step('legacy')).rejects.toMatchObject({ code: 'store_unavailable' });
  await server.start();
  app = await connected();
  await app.query('UPDATE parts SET count = 4 WHERE id = 49');
  before.forget();
  const { copied } = await drain(before);
  expect(copied).toBe(0);
  // What was applied before is not applied again.
  expect(await service.query('SELECT count FROM parts WHERE id = 1')).toEqual([{ count: '-1' }]);
  await service.query('UPDATE parts SET count = 2 WHERE id = 1');
  await expectEqual();
});

test('carries over what was prepared when it is committed, what another origin wrote, and what was rolled back in part', async () => {
  await drain(newFeed());
  await app.query("BEGIN; INSERT INTO parts VALUES (1, 1), (2, 1); PREPARE TRANSACTION 'one'");
  await app.query('INSERT INTO parts VALUES (3, 1)');
  expect(await drain(newFeed())).toMatchObject({ changes: 1 });
  await server.stop('fast');
  await server.start();
  app = await connected();
  expect(await drain(newFeed())).toEqual({ changes: 0, copied: 0 });
  await app.query("COMMIT PREPARED 'one'");
  expect(await drain(newFeed())).toMatchObject({ changes: 2, copied: 0 });
  await app.query("BEGIN; DELETE FROM parts; PREPARE TRANSACTION 'two'");
  await app.query("ROLLBACK PREPARED 'two'");
  await app.query("SELECT pg_replication_origin_create('elsewhere')");
  await app.query("SELECT pg_replication_origin_session_setup('elsewhere')");
  await app.query('UPDATE parts SET count = 2 WHERE id = 2');
  await app.query('SELECT pg_replication_origin_session_reset()');
  await app.query("SELECT pg_replication_origin_drop('elsewhere')");
  await app.query('BEGIN; SAVEPOINT a; UPDATE parts SET count = 9; ROLLBACK TO a; SAVEPOINT b');
  await app.query('INSERT INTO parts VALUES (4, 4); RELEASE b; COMMIT');
  expect(await drain(newFeed())).toMatchObject({ changes: 2, copied: 0 });
  await expectEqual();
});

test('reads a transaction that is too long for the server to hold in memory', async () => {
  await setting('logical_decoding_work_mem', '64kB');
  await drain(newFeed());
  await app.query('BEGIN');
  await app.query('INSERT INTO parts SELECT n, 1 FROM generate_series(1, 20000) n');
  const other = await connected();
  await other.query('INSERT INTO parts VALUES (-1, 1)');
  await other.end();
  expect(await drain(newFeed())).toMatchObject({ changes: 1 });
  await app.query('UPDATE parts SET count = 2 WHERE id % 2 = 0');
  await app.query('COMMIT');
  expect(await drain(newFeed())).toMatchObject({ changes: 30_000 });
  await expectEqual();
});

test('a slot waits for the transactions that are open when it is made, and nothing of theirs is missed', async () => {
  await uninstallDecoding(legacy);
  const before = await connected();
  await before.query('BEGIN; INSERT INTO parts VALUES (1, 1)');
  const made = installDecoding(legacy, [group]);
  const waits = () =>
    app.query(
      "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_create_logical%' AND wait_event_type = 'Lock'",
    );
  while ((await waits()).rowCount === 0);
  const after = await connected();
  await after.query('BEGIN; INSERT INTO parts VALUES (2, 1)');
  await app.query('INSERT INTO parts VALUES (3, 1)');
  await before.query('INSERT INTO parts VALUES (4, 1); COMMIT');
  await after.query('INSERT INTO parts VALUES (5, 1); COMMIT');
  await made;
  await drain(newFeed());
  await expectEqual();
  expect(await service.query('SELECT count(*) AS rows FROM parts')).toEqual([{ rows: '5' }]);
  await before.end();
  await after.end();
});

test('fills no message log with its looks', async () => {
  const feed = newFeed();
  await drain(feed);
  const lines = async () => (await readFile(server.log, 'utf8')).match(/logical decoding/g)?.length ?? 0;
  const before = await lines();
  for (let id = 0; id < 5; id++) {
    await app.query('INSERT INTO parts VALUES ($1, 1)', [id]);
    await drain(feed);
  }
  expect(await lines()).toBe(before);
  // Without the setting it is two at a look.
  await app.query(
    'SELECT pg_replication_slot_advance(slot_name, confirmed_flush_lsn + 1) FROM pg_replication_slots',
  );
  expect(await lines()).toBeGreaterThan(before);
});

test('follows tables whose columns come, go and move, and rows whose old values are an index only', async () => {
  await app.query('CREATE UNIQUE INDEX parts_by_id ON parts (id)');
  await app.query('ALTER TABLE parts REPLICA IDENTITY USING INDEX parts_by_id');
  expect((await planDecoding(legacy, [group])).statements).toEqual([]);
  await drain(newFeed());
  await app.query('INSERT INTO parts VALUES (1, 1), (2, 1), (3, 1)');
  await app.query('ALTER TABLE parts ADD COLUMN extra text');
  await app.query("UPDATE parts SET count = 2, extra = 'x' WHERE id = 1");
  await app.query('UPDATE parts SET id = -2 WHERE id = 2');
  await app.query('ALTER TABLE parts DROP COLUMN extra, ADD COLUMN other integer DEFAULT 7');
  await app.query('DELETE FROM parts WHERE id = 3');
  await app.query('INSERT INTO parts (other, count, id) VALUES (8, 4, 4)');
  await app.query('ALTER TABLE parts REPLICA IDENTITY FULL');
  await app.query('UPDATE parts SET id = id * 10');
  expect(await drain(newFeed())).toEqual({ changes: 10, copied: 0 });
  await expectEqual();
  // In one transaction with the rows.
  await app.query('BEGIN; UPDATE parts SET count = 5; ALTER TABLE parts DROP COLUMN other; TRUNCATE parts');
  await app.query(
    "ALTER TABLE parts ADD COLUMN last text DEFAULT 'y'; INSERT INTO parts VALUES (1, 1); COMMIT",
  );
  await drain(newFeed());
  await expectEqual();
  await app.query('INSERT INTO parts VALUES (2, 1)');
  await app.query('ALTER TABLE parts RENAME COLUMN count TO amount');
  await app.query('INSERT INTO parts VALUES (3, 1)');
  await expect(drain(newFeed())).rejects.toMatchObject({ code: 'declaration_refused' });
});

test('says what is shown behind a transaction that waits for a standby, and takes both when it is shown', async () => {
  const source = new DecodingSource(legacy, 'parts');
  const look = <T>(work: (session: Parameters<Parameters<Store['snapshot']>[0]>[0]) => Promise<T>) =>
    legacy.snapshot(work);
  const from = await look((session) => source.end(session));
  await setting('synchronous_standby_names', 'nobody');
  const waiting = await connected();
  const late = waiting.query('INSERT INTO parts VALUES (1, 1)');
  const waits = () => app.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  while ((await waits()).rowCount === 0);
  await app.query("SET synchronous_commit = 'local'");
  await app.query('INSERT INTO parts VALUES (2, 1)');
  const { to, shown } = await look(async (session) => {
    const end = await source.end(session);
    const { changes } = await source.page(session, { from, to: end, afterId: -1n }, [parts], 10);
    expect(changes).toEqual([]);
    expect(await source.beyond(session, end, parts)).toEqual([[2n]]);
    return { to: end, shown: await source.shown(session) };
  });
  expect(BigInt(shown)).toBeGreaterThan(BigInt(to));
  const feed = newFeed();
  expect((await feed.step('legacy')).copied).toBe(0);
  await app.query('ALTER SYSTEM RESET ALL');
  await app.query('SELECT pg_reload_conf()');
  await late;
  await waiting.end();
  const next = await look((session) => source.end(session));
  expect(BigInt(next)).toBeGreaterThanOrEqual(BigInt(shown));
  const { changes } = await look((session) =>
    source.page(session, { from: to, to: next, afterId: -1n }, [parts], 10),
  );
  expect(changes.map(({ row }) => row?.[0])).toEqual([1n, 2n]);
  await drain(feed);
  await expectEqual();
});

test('says that a slot will be given up, and copies anew when it was', async () => {
  await app.query('INSERT INTO parts VALUES (1, 1), (2, 1)');
  await drain(newFeed());
  await setting('max_slot_wal_keep_size', '32MB');
  const status = () => slotStatus(legacy, 'parts');
  expect(await status()).toMatchObject({ state: 'reserved', danger: null });
  await app.query('CREATE TABLE noise (text text)');
  const noise = (rowsOfKilobyte: number) =>
    app.query(
      `INSERT INTO noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, ${rowsOfKilobyte}) n`,
    );
  while ((await status()).danger === null) await noise(1_000);
  expect(await status()).toMatchObject({ danger: 'soon', state: expect.not.stringMatching('lost') });
  while ((await status()).state !== 'unreserved') await noise(1_000);
  expect(await status()).toMatchObject({ danger: 'soon' });
  await noise(16_000);
  await app.query('CHECKPOINT');
  expect(await status()).toMatchObject({ state: 'lost', danger: 'gone' });
  await app.query('DELETE FROM parts WHERE id = 1');
  await expect(newFeed().step('legacy')).rejects.toMatchObject({
    code: 'capture_missing',
    hint: expect.stringContaining('fig sync install'),
  });
  const { drift } = await installDecoding(legacy, [group]);
  expect(drift).toMatchObject([{ what: expect.stringMatching(/^slot .* is lost$/) }]);
  expect(await drain(newFeed())).toEqual({ changes: 0, copied: 1 });
  await expectEqual();
});

/** A server that can be stopped in any way and started again, and that prepares transactions. */
async function ownServer() {
  const { url, folder, stop } = await startEmbeddedPostgres();
  await stop({ keep: true });
  const require = createRequire(import.meta.resolve('embedded-postgres'));
  const binaries: { pg_ctl: string } = await import(
    pathToFileURL(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)).href
  );
  const { uid, gid } = await stat(folder);
  const control = async (...args: string[]) => {
    const owner = process.getuid?.() === 0 ? { uid, gid } : {};
    const child = spawn(binaries.pg_ctl, ['-D', folder, '-w', '-s', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      ...owner,
    });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`pg_ctl ${args.join(' ')} ended with ${code}`);
  };
  const { port } = new URL(url);
  const options = `-p ${port} -c wal_level=logical -c max_prepared_transactions=5 -c fsync=off -c checkpoint_timeout=1h`;
  const log = path.join(folder, 'server.log');
  const start = () => control('-l', log, '-o', options, 'start');
  await start();
  return {
    url,
    log,
    start,
    stop: (mode: 'fast' | 'immediate') => control('-m', mode, 'stop'),
    async remove() {
      await control('-m', 'immediate', 'stop');
      await rm(path.dirname(folder), { recursive: true, force: true });
    },
  };
}
