import { Failure } from '@strangler-fig/kernel/failure';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installDecoding } from '../decoding/installation.ts';
import { slotStatus } from '../decoding/status.ts';
import type { Session, Store } from '../stores/store.ts';
import type { Dialect } from './databases.ts';
import type { StorePair } from './store-pair.ts';
import { openThings, rowsOf, things } from './things.ts';

describe.each<Dialect>(['postgres', 'sqlite'])('PostgreSQL decoded to %s', (service) => {
  let pair: StorePair;
  beforeEach(async () => {
    pair = await openThings(service);
  });
  afterEach(() => pair.close());

  const app = (sql: string, ...parameters: unknown[]) => pair.legacy.query(sql, ...parameters);
  const add = (from: number, to: number) =>
    app(
      `INSERT INTO things (id, name, amount) SELECT n, 'thing ' || n, 10 FROM generate_series(${from}, ${to}) n`,
    );
  const expectEqual = async () =>
    expect(await rowsOf(pair.service, 'service')).toEqual(await rowsOf(pair.legacy, 'legacy'));

  test('copies, follows every kind of change, and does nothing when there is nothing', async () => {
    await add(1, 9);
    await app('INSERT INTO parts SELECT n, n, 1 FROM generate_series(1, 9) n');
    const feed = pair.feed('forward', { chunkRows: 4 });
    await pair.drain(feed);
    await expectEqual();
    expect(await pair.drain(feed)).toEqual({ changes: 0, copied: 0, foreign: 0 });
    await add(10, 12);
    await app("UPDATE things SET note = 'changed' WHERE id IN (2, 10)");
    await app('DELETE FROM parts WHERE id IN (3, 4)');
    await app('DELETE FROM things WHERE id = 4');
    await app('UPDATE things SET id = 1000 WHERE id = 11');
    await app('UPDATE parts SET id = -id WHERE id = 5');
    // Values that pass from row to row, also within one transaction.
    await pair.legacy.transaction(async (query) => {
      await query("UPDATE things SET name = 'passing' WHERE id = 6");
      await query("UPDATE things SET name = 'thing 6' WHERE id = 7");
      await query("UPDATE things SET name = 'thing 7' WHERE id = 6");
    });
    expect(await pair.drain(pair.feed())).toEqual({ changes: 13, copied: 0, foreign: 0 });
    await expectEqual();
    await app('TRUNCATE things, parts');
    await add(5, 6);
    await pair.drain(pair.feed());
    await expectEqual();
  });

  test('carries values over without loss', async () => {
    await pair.drain(pair.feed());
    await app(`INSERT INTO things VALUES
      (1, 'Zoë 👩‍🎤 "q" \\ O''Hara', E'{a,b}\\n\\tNULL', 12.300, true, '\\x00ff7f', '2026-11-21 10:00:00.123456+01',
       '0099-02-28', 9223372036854775807, 0.1, '1 mon 2 days 03:04:05.6'),
      (2, '', '', -0.001, false, '\\x', '1999-12-31 23:59:59Z', NULL, -9223372036854775808, 1e300, NULL),
      (3, 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`);
    // How the application's session shows values is not how the log holds them.
    await pair.legacy.transaction(async (query) => {
      await query("SET LOCAL datestyle = 'German'");
      await query("SET LOCAL timezone = 'Asia/Tokyo'");
      await query("SET LOCAL bytea_output = 'escape'");
      await query(
        "INSERT INTO things (id, name, at, day, data) VALUES (4, 'now', '21.11.2026 12:00', '21.11.2026', 'a')",
      );
    });
    await pair.drain(pair.feed());
    const followed = await rowsOf(pair.service, 'service');
    if (service === 'postgres') await expectEqual();
    else {
      expect(
        await pair.service.query('SELECT at, day, span FROM things WHERE id IN (1, 4) ORDER BY id'),
      ).toEqual([
        { at: '2026-11-21 09:00:00.123456+00', day: '0099-02-28', span: 'P1M2DT3H4M5.6S' },
        { at: '2026-11-21 03:00:00+00', day: '2026-11-21', span: null },
      ]);
    }
    // A change gives the same as a copy does.
    await pair.service.script('DELETE FROM parts; DELETE FROM things; DELETE FROM strangler_feed;');
    await pair.drain(pair.feed());
    expect(await rowsOf(pair.service, 'service')).toEqual(followed);
  });

  test('knows values that are stored out of line and did not change', async () => {
    await pair.drain(pair.feed());
    await app(
      `INSERT INTO things (id, name, note) SELECT 1, 'long', string_agg(md5(n::text), '') FROM generate_series(1, 4000) n`,
    );
    await pair.drain(pair.feed());
    await app("UPDATE things SET name = 'still long' WHERE id = 1");
    await app('UPDATE things SET id = 2 WHERE id = 1');
    await pair.drain(pair.feed());
    await expectEqual();
    await app('ALTER TABLE things REPLICA IDENTITY DEFAULT');
    await app("UPDATE things SET name = 'unknown' WHERE id = 2");
    await expect(pair.feed().step('legacy')).rejects.toMatchObject({ code: 'capture_missing' });
    const { drift } = await installDecoding(pair.stores().legacy, [things]);
    expect(drift).toEqual([
      { table: 'parts, things', kind: 'missing', what: 'replica identity of things is DEFAULT' },
    ]);
    await pair.drain(pair.feed());
    await expectEqual();
  });

  test('carries over what committed, when it committed', async () => {
    await pair.drain(pair.feed());
    const late = new pg.Client(pair.legacy.url);
    await late.connect();
    await late.query('BEGIN');
    await late.query("INSERT INTO things (id, name) VALUES (1, 'late')");
    await add(2, 2);
    const undone = new pg.Client(pair.legacy.url);
    await undone.connect();
    await undone.query('BEGIN');
    await undone.query("INSERT INTO things (id, name) VALUES (3, 'undone')");
    await undone.query('ROLLBACK');
    await undone.query('BEGIN');
    await undone.query("INSERT INTO things (id, name) VALUES (4, 'kept')");
    await undone.query('SAVEPOINT here');
    await undone.query("UPDATE things SET note = 'undone' WHERE id IN (2, 4)");
    await undone.query('ROLLBACK TO here');
    await undone.query('COMMIT');
    // Without waiting for the one that is open, as a feed that reads a log of triggers has to.
    const feed = pair.feed();
    expect(await feed.step('legacy')).toMatchObject({ changes: 2, idle: false });
    expect(await feed.step('legacy')).toMatchObject({ changes: 0, idle: true });
    await expectEqual();
    await late.query('COMMIT');
    expect(await pair.drain(pair.feed())).toMatchObject({ changes: 1 });
    await expectEqual();
    await late.end();
    await undone.end();
  });

  test('holds what the source held at one moment, whatever commits while it reads', async () => {
    await add(1, 20);
    let turn = 0;
    // Between any two statements of a feed's reading: money passes, rows move across the copy's place, come and go. The
    // second writer does not wait for the disk, so what it does is shown before it is in the log.
    const meanwhile = async () => {
      const n = turn++;
      const [a, b] = [1 + ((n * 7) % 20), 1 + ((n * 11 + 3) % 20)];
      await pair.legacy.transaction(async (query) => {
        if (n % 2 === 0) await query('SET LOCAL synchronous_commit = off');
        await query(`UPDATE things SET amount = amount - 1 WHERE name = 'thing ${a}'`);
        await query(`UPDATE things SET amount = amount + 1 WHERE name = 'thing ${b}'`);
        if (n % 3 === 0) await query(`UPDATE things SET id = 5000 - id WHERE name = 'thing ${b}'`);
        await query(
          `INSERT INTO things (id, name, amount) VALUES (${100 + ((n * 37) % 50)}, 'brief ${n}', 0)`,
        );
        await query(`DELETE FROM things WHERE name = 'brief ${n - 4}'`);
      });
    };
    let busy = true;
    const wrap = (store: Store, side: 'source' | 'target') =>
      side === 'source' ? betweenQueries(store, () => (busy ? meanwhile() : Promise.resolve())) : store;
    const feed = pair.feed('forward', { chunkRows: 2, wrap });
    let followed = 0;
    while (followed < 8) {
      const { state } = await feed.step('legacy');
      if (!state.backfill.done) continue;
      followed++;
      const [sum] = await pair.service.query('SELECT count(*) AS rows, sum(amount) AS amount FROM things');
      expect(Number(sum!.amount)).toBe(200_000);
    }
    busy = false;
    // The last of those may not be on disk yet, and would come with a later step; a commit that waits takes it there.
    await add(900, 900);
    await pair.drain(feed);
    await expectEqual();
    expect(turn).toBeGreaterThan(100);
  });

  test('repeats nothing after a crash between the target and the slot, and loses nothing after one before', async () => {
    await pair.drain(pair.feed());
    await add(1, 1_500);
    const failing = (store: Store, side: 'source' | 'target', at: RegExp | 'commit') =>
      at === 'commit'
        ? side === 'target'
          ? crashingAtCommit(store)
          : store
        : side === 'source'
          ? failingAt(store, at)
          : store;
    await expect(
      pair.feed('forward', { wrap: (store, side) => failing(store, side, 'commit') }).step('legacy'),
    ).rejects.toThrow('crash');
    expect(await pair.service.query('SELECT count(*) AS rows FROM things')).toEqual([{ rows: '0' }]);
    const confirmed = () =>
      app(
        "SELECT confirmed_flush_lsn - '0/0' AS at FROM pg_replication_slots WHERE database = current_database()",
      );
    const before = await confirmed();
    await expect(
      pair.feed('forward', { wrap: (store, side) => failing(store, side, /slot_advance/) }).step('legacy'),
    ).rejects.toThrow('crash');
    await expectEqual();
    expect(await confirmed()).toEqual(before);
    // A repeated change would overwrite this.
    await pair.service.query("UPDATE things SET note = 'mine' WHERE id = 7");
    const next = pair.feed();
    expect(await pair.drain(next)).toEqual({ changes: 0, copied: 0, foreign: 0 });
    expect(next.state).toMatchObject({ applied: 1_500 });
    expect(await pair.service.query('SELECT id FROM things WHERE note IS NOT NULL')).toEqual([{ id: '7' }]);
    expect(Number((await confirmed())[0]!.at)).toBeGreaterThan(Number(before[0]!.at));
  });

  test('leaves out what feeds write, and counts what others do while the service owns the group', async () => {
    const forward = pair.feed();
    await pair.drain(forward);
    const back = pair.feed('back');
    await pair.drain(back, 'service');
    await pair.service.query("INSERT INTO things (id, name) VALUES (1, 'made by the service')");
    await pair.service.query("INSERT INTO things (id, name) VALUES (2, 'made and removed')");
    expect(await pair.drain(back, 'service')).toMatchObject({ changes: 2 });
    await pair.service.query('DELETE FROM things WHERE id = 2');
    expect(await pair.drain(back, 'service')).toMatchObject({ changes: 1 });
    await expectEqual();
    expect(await pair.drain(forward, 'service')).toEqual({ changes: 0, copied: 0, foreign: 0 });
    expect(await forward.lag()).toMatchObject({ rows: 0 });
    await app("UPDATE things SET note = 'not by its owner' WHERE id = 1");
    expect(await pair.drain(forward, 'service')).toEqual({ changes: 0, copied: 0, foreign: 1 });
  });

  test('copies anew when its slot was lost', async () => {
    await add(1, 5);
    await pair.drain(pair.feed());
    const [{ slot }] = (await app(
      'SELECT slot_name AS slot FROM pg_replication_slots WHERE database = current_database()',
    )) as [{ slot: string }];
    await app('SELECT pg_drop_replication_slot(?)', slot);
    await app('DELETE FROM things WHERE id = 2');
    await app("UPDATE things SET note = 'unseen' WHERE id = 3");
    await expect(pair.feed().step('legacy')).rejects.toMatchObject({ code: 'capture_missing' });
    expect(await slotStatus(pair.stores().legacy, 'things')).toMatchObject({ state: 'missing' });
    // Made again by hand, it begins behind the feed.
    await app("SELECT pg_create_logical_replication_slot(?, 'pgoutput')", slot);
    expect(await pair.drain(pair.feed())).toMatchObject({ copied: 4 });
    await expectEqual();
    await app('SELECT pg_drop_replication_slot(?)', slot);
    await app('DELETE FROM things WHERE id = 5');
    await installDecoding(pair.stores().legacy, [things]);
    expect(await pair.drain(pair.feed())).toMatchObject({ copied: 3 });
    await expectEqual();
  });

  test('reads a long log in parts, and a long transaction in pages', async () => {
    await pair.drain(pair.feed());
    for (let at = 0; at < 3; at++) await add(1 + at * 10_000, 10_000 + at * 10_000);
    await app('UPDATE things SET amount = 11');
    const feed = pair.feed('forward', { pageRows: 7_000 });
    const first = await feed.step('legacy');
    expect(first).toMatchObject({ idle: false, changes: 20_000 });
    expect(first.lag.rows).toBeGreaterThan(10_000);
    expect(first.lag.seconds).toBeGreaterThan(0);
    expect(await pair.drain(feed)).toMatchObject({ changes: 40_000 });
    await expectEqual();
  });

  test('lets the log go where nothing of the group changes, and does not write for its own writing', async () => {
    const number = async (sql: string) => Number((await app(sql))[0]!.at);
    const written = () => number("SELECT pg_current_wal_flush_lsn() - '0/0' AS at");
    const confirmed = () =>
      number(
        "SELECT confirmed_flush_lsn - '0/0' AS at FROM pg_replication_slots WHERE database = current_database()",
      );
    const position = async () =>
      Number((await pair.service.query('SELECT position FROM strangler_feed'))[0]!.position);
    await app('CREATE TABLE noise (text text)');
    await add(1, 3);
    const feed = pair.feed();
    await pair.drain(feed);
    const before = await position();
    for (let look = 0; look < 5; look++) {
      await app("INSERT INTO noise VALUES ('x')");
      expect((await feed.step('legacy')).idle).toBe(true);
    }
    // Other tests write to the same server's log, but so much is more than these looks can make by themselves.
    if ((await written()) - before < 1 << 20) expect(await position()).toBe(before);
    await app('INSERT INTO noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, 40000) n');
    const status = () => slotStatus(pair.stores().legacy, 'things');
    const { behindBytes, retainedBytes } = await status();
    expect(behindBytes).toBeGreaterThan(32 << 20);
    expect(retainedBytes).toBeGreaterThanOrEqual(behindBytes);
    const noisy = (await written()) - (1 << 20);
    while ((await confirmed()) < noisy) await feed.step('legacy');
    // Nor does each look begin at where the server has come by itself: that moves at a checkpoint and after 15 s.
    const deadline = performance.now() + 10_000;
    while ((await status()).retainedBytes > 8 << 20 && performance.now() < deadline) {
      await app('INSERT INTO noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, 1500) n');
      await feed.step('legacy');
    }
    expect((await status()).retainedBytes).toBeLessThan(8 << 20);
    await add(4, 4);
    expect(await pair.drain(pair.feed())).toMatchObject({ changes: 1, copied: 0 });
    await expectEqual();
  });
});

/** Runs something between any two statements that are asked of a store's snapshots. */
function betweenQueries(store: Store, work: () => Promise<void>): Store {
  return around(store, (session) => ({
    async query(sql, parameters) {
      const rows = await session.query(sql, parameters);
      await work();
      return rows;
    },
    run: (sql, parameters) => session.run(sql, parameters),
  }));
}

function failingAt(store: Store, what: RegExp): Store {
  return around(store, (session) => ({
    query: (sql, parameters) => {
      if (what.test(sql)) throw new Failure('store_unavailable', 'crash');
      return session.query(sql, parameters);
    },
    run: (sql, parameters) => session.run(sql, parameters),
  }));
}

function around(store: Store, wrapped: (session: Session) => Session): Store {
  return new Proxy(store, {
    get(of, name) {
      if (name === 'snapshot') {
        return <T>(work: (session: Session) => Promise<T>) =>
          of.snapshot((session) => work(wrapped(session)));
      }
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}

function crashingAtCommit(store: Store): Store {
  return new Proxy(store, {
    get(of, name) {
      if (name === 'transaction') {
        const crashing: Store['transaction'] = (work, options) =>
          of.transaction(async (writer) => {
            await work(writer);
            throw new Failure('store_unavailable', 'crash');
          }, options);
        return crashing;
      }
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}
