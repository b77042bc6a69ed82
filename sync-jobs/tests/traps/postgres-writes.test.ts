import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { install, planInstall } from '../../capture/installation.ts';
import type { Dialect } from '../databases.ts';
import { contents, insert, type MirrorPair, openMirror, type TrapTable } from './tables.ts';

// Transactions of PostgreSQL run side by side: their numbers, their log ids and their commits come in different orders.

const things: TrapTable = { name: 'things', columns: { id: 'integer', v: 'text' } };
const parents: TrapTable = { name: 'parents', columns: { id: 'integer', v: 'text' } };

let pair: MirrorPair | undefined;
const clients: pg.Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end();
  await pair?.close();
  pair = undefined;
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: pair!.legacy.url, application_name: 'legacy-app' });
  await client.connect();
  clients.push(client);
  return client;
}

const targets: Dialect[] = ['sqlite', 'postgres'];

describe.each(targets)('to %s', (to) => {
  const open = async (tables = [things]) => {
    pair = await openMirror(['postgres', to], tables);
    return pair;
  };

  test('a transaction with a lower number that commits after one with a higher is not passed over', async () => {
    const { legacy, follow } = await open();
    await insert(legacy, 'things', { id: 1, v: '' }, { id: 2, v: '' });
    await follow();
    const early = await connect();
    await early.query("BEGIN; INSERT INTO things VALUES (10, 'early')");
    await legacy.query("INSERT INTO things VALUES (11, 'late')");
    const feed = pair!.feed();
    for (let step = 0; step < 4; step++) await feed.step('legacy');
    expect(await contents(pair!.service, things)).toHaveLength(2);
    await early.query("UPDATE things SET v = 'early too' WHERE id = 1; COMMIT");
    await pair!.drain(feed);
    await pair!.expectEqual();
  });

  test('a renamed column does not stop the legacy application; the feed says that it has to be told', async () => {
    const { legacy, follow } = await open();
    await insert(legacy, 'things', { id: 1, v: '' }, { id: 2, v: '' });
    await follow();
    await legacy.query('ALTER TABLE things RENAME COLUMN v TO w');
    await legacy.query("UPDATE things SET w = 'changed' WHERE id = 1");
    await legacy.query("INSERT INTO things (id, w) VALUES (3, 'made')");
    await legacy.query('DELETE FROM things WHERE id = 2');
    await expect(pair!.drain(pair!.feed())).rejects.toMatchObject({
      code: expect.stringMatching(/refused|missing/),
    });
    await legacy.query('ALTER TABLE things RENAME COLUMN w TO v');
    await expect(pair!.drain(pair!.feed())).rejects.toMatchObject({ code: 'capture_missing' });
  });

  test('a row changed by an older transaction after a newer one had changed it ends as the older one left it', async () => {
    const { legacy, follow } = await open();
    await insert(legacy, 'things', { id: 1, v: '' }, { id: 2, v: '' });
    await follow();
    const older = await connect();
    await older.query("BEGIN; UPDATE things SET v = 'older' WHERE id = 2");
    await legacy.query("UPDATE things SET v = 'newer' WHERE id = 1");
    await older.query("UPDATE things SET v = 'older, last' WHERE id = 1; COMMIT");
    await follow();
    expect((await contents(pair!.service, things))[0]![1]).toBe(
      `text:${Buffer.from('older, last').toString('hex').toUpperCase()}`,
    );
  });

  test('a transaction that stays open holds the feed back, is named, and loses nothing, in the first copy too', async () => {
    const { legacy } = await open();
    for (let id = 1; id <= 6; id++) await insert(legacy, 'things', { id, v: 'before' });
    const feed = pair!.feed('forward', { chunkRows: 2 });
    await feed.step('legacy');
    const long = await connect();
    await long.query(
      "BEGIN; UPDATE things SET v = 'long' WHERE id IN (1, 4); INSERT INTO things VALUES (7, 'long')",
    );
    const since = Date.now();
    await legacy.query("UPDATE things SET v = 'meanwhile' WHERE id IN (2, 5)");
    await legacy.query('DELETE FROM things WHERE id IN (3, 6)');
    await legacy.query('UPDATE things SET id = 60 WHERE id = 2');
    for (let step = 0; step < 6; step++) await feed.step('legacy');
    // Only what has been open for two seconds is worth a word.
    await expect.poll(async () => (await feed.lag()).heldBackBy, { timeout: 10_000 }).toHaveLength(1);
    expect(Date.now() - since).toBeGreaterThanOrEqual(1_900);
    const { heldBackBy, rows } = await feed.lag();
    expect(heldBackBy[0]).toMatch(/legacy-app.*idle in transaction.*UPDATE things/);
    expect(rows).toBeGreaterThan(0);
    await long.query('COMMIT');
    await pair!.drain(feed);
    await pair!.expectEqual();
    expect((await feed.lag()).heldBackBy).toEqual([]);
  });

  test('TRUNCATE alone, with rows before and after it in one transaction, of two tables, and in the first copy', async () => {
    const { legacy, follow } = await open([
      parents,
      { ...things, columns: { ...things.columns, p: 'integer REFERENCES parents (id)' } },
    ]);
    const fill = async () => {
      for (let id = 1; id <= 5; id++) {
        await insert(legacy, 'parents', { id, v: 'p' });
        await insert(legacy, 'things', { id, v: 'v', p: id });
      }
    };
    await fill();
    await follow();
    await legacy.query('TRUNCATE things');
    await follow();
    await legacy.transaction(async (query) => {
      await query("INSERT INTO things VALUES (8, 'goes', 1)");
      await query('TRUNCATE parents CASCADE');
      await query("INSERT INTO parents VALUES (9, 'stays')");
      await query("INSERT INTO things VALUES (8, 'stays', 9)");
    });
    await follow();
    await legacy.query('TRUNCATE parents CASCADE');
    await fill();
    const feed = pair!.feed('forward', { chunkRows: 2 });
    await pair!.service.query("DELETE FROM strangler_feed WHERE feed = 'trap:forward'");
    for (let step = 0; step < 3; step++) await feed.step('legacy');
    await legacy.query('TRUNCATE parents CASCADE');
    await insert(legacy, 'parents', { id: 3, v: 'new' });
    await pair!.drain(feed);
    await pair!.expectEqual();
  });

  test('rolled back savepoints and transactions leave nothing', async () => {
    const { legacy, follow, service } = await open();
    await insert(legacy, 'things', { id: 1, v: 'a' }, { id: 2, v: 'b' });
    await follow();
    const client = await connect();
    await client.query('BEGIN');
    await client.query("UPDATE things SET v = 'kept' WHERE id = 1");
    await client.query('SAVEPOINT one');
    await client.query('DELETE FROM things');
    await client.query("INSERT INTO things VALUES (5, 'gone')");
    await client.query('ROLLBACK TO one');
    await client.query('SAVEPOINT two');
    await client.query("INSERT INTO things VALUES (6, 'kept')");
    await client.query('RELEASE two');
    await client.query('COMMIT');
    await follow();
    await client.query('BEGIN; TRUNCATE things; ROLLBACK');
    await follow();
    expect(await contents(service, things)).toHaveLength(3);
  });

  test.each([undefined, 3])(
    'deferred constraints: children first, swapped unique values, pages of %s',
    async (pageRows) => {
      const deferred = (rule: string) => `${rule} DEFERRABLE INITIALLY DEFERRED`;
      const child: TrapTable = {
        name: 'children',
        columns: { id: 'integer', parent: 'integer NOT NULL', v: 'text NOT NULL' },
      };
      const target: TrapTable = {
        ...child,
        columns: {
          ...child.columns,
          parent: 'integer NOT NULL REFERENCES parents (id)',
          v: 'text NOT NULL UNIQUE',
        },
      };
      const source: TrapTable = {
        ...child,
        columns: {
          ...child.columns,
          parent: `integer NOT NULL ${deferred('REFERENCES parents (id)')}`,
          v: `text NOT NULL ${deferred('UNIQUE')}`,
        },
      };
      pair = await openMirror(['postgres', to], [parents, source], {
        targets: [parents, target],
        feed: pageRows === undefined ? {} : { pageRows },
      });
      const { legacy, follow } = pair;
      await insert(legacy, 'parents', { id: 1, v: '' });
      for (let id = 1; id <= 8; id++) await insert(legacy, 'children', { id, parent: 1, v: `v${id}` });
      await follow();
      await legacy.transaction(async (query) => {
        for (let id = 20; id <= 26; id++) await query("INSERT INTO children VALUES (?, 2, 'n' || ?)", id, id);
        await query("INSERT INTO parents VALUES (2, 'late')");
        await query("UPDATE children SET v = 'v' || (9 - id) WHERE id <= 8");
      });
      await follow();
      await legacy.transaction(async (query) => {
        await query('DELETE FROM parents WHERE id = 2');
        await query('DELETE FROM children WHERE parent = 2');
      });
      await follow();
    },
  );

  test("the legacy application's own triggers change the row once more", async () => {
    const { legacy, follow } = await open();
    await legacy.script(`
      CREATE FUNCTION once_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF pg_trigger_depth() = 1 THEN UPDATE things SET v = v || '+' WHERE id = NEW.id; END IF; RETURN NULL; END $$;
      CREATE TRIGGER a_once_more AFTER INSERT OR UPDATE ON things FOR EACH ROW EXECUTE FUNCTION once_more()`);
    await insert(legacy, 'things', { id: 1, v: 'a' }, { id: 2, v: 'b' });
    await follow();
    await legacy.query("UPDATE things SET v = v || '!'");
    await follow();
  });

  test('a cascade that comes back to the row that began it', async () => {
    const nodes: TrapTable = {
      name: 'nodes',
      columns: { id: 'integer', above: 'integer REFERENCES nodes (id) ON UPDATE CASCADE ON DELETE CASCADE' },
    };
    const { legacy, follow } = await open([nodes]);
    await insert(legacy, 'nodes', { id: 1, above: 1 }, { id: 2, above: 1 }, { id: 3, above: 2 });
    await follow();
    await legacy.query('UPDATE nodes SET id = 10 WHERE id = 1');
    await follow();
    await legacy.query('DELETE FROM nodes WHERE id = 2');
    await follow();
  });

  test('a column that comes is told apart from one that goes', async () => {
    const { legacy, follow, group } = await open();
    await insert(legacy, 'things', { id: 1, v: 'a' });
    await follow();
    const { legacy: store } = pair!.stores();
    await legacy.script('ALTER TABLE things ADD COLUMN w text');
    expect((await planInstall(store, [group], 'legacy')).drift).toEqual([
      { table: 'things', kind: 'added', what: expect.stringContaining('w') },
    ]);
    await legacy.query("UPDATE things SET v = 'b', w = 'x'");
    await follow();
    await install(store, [group], 'legacy');
    expect(await planInstall(store, [group], 'legacy')).toMatchObject({ drift: [], statements: [] });
    await follow();
    await legacy.script('DROP TRIGGER strangler_update_things ON things');
    expect((await planInstall(store, [group], 'legacy')).drift).toMatchObject([
      { table: 'things', kind: 'missing' },
    ]);
    await legacy.query("UPDATE things SET v = 'unseen'");
    await install(store, [group], 'legacy');
    await follow();
    await legacy.script('ALTER TABLE things DISABLE TRIGGER strangler_insert_things');
    expect((await planInstall(store, [group], 'legacy')).drift).toMatchObject([
      { table: 'things', kind: 'missing' },
    ]);
    await install(store, [group], 'legacy');
    expect((await planInstall(store, [group], 'legacy')).drift).toEqual([]);
  });

  test('a column that a mapping reads goes', async () => {
    const { legacy, follow, group } = await open();
    await insert(legacy, 'things', { id: 1, v: 'a' });
    await follow();
    await legacy.script('DROP TRIGGER strangler_update_things ON things; ALTER TABLE things DROP COLUMN v');
    const drift = await planInstall(pair!.stores().legacy, [group], 'legacy').then((plan) => plan.drift);
    expect(drift.map(({ what }) => what).join()).toMatch(/column v is gone/);
    await expect(pair!.feed().step('legacy')).rejects.toThrow(/v/);
  });
});
