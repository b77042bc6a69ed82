import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { logRunningTransactions } from '../decoding/running-transactions.ts';
import { DecodingSource } from '../decoding/source.ts';
import type { SourceTable } from '../mapping/plan.ts';
import { openStore } from '../stores/open.ts';
import type { Session, Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import type { StorePair } from './store-pair.ts';
import { openThings } from './things.ts';

// The log and a snapshot do not agree about what is committed at a moment. Between them nothing may be lost.

const parts: SourceTable = {
  table: 'parts',
  key: ['id'],
  columns: ['id', 'thing', 'count'],
  types: ['integer', 'integer', 'integer'],
};

let pair: StorePair;
let store: Store;
let source: DecodingSource;
let app: pg.Client;
let id = 0n;
beforeAll(async () => {
  pair = await openThings('sqlite');
  store = pair.stores().legacy;
  source = new DecodingSource(store, 'things');
  app = new pg.Client(pair.legacy.url);
  await app.connect();
  await app.query("INSERT INTO things (id, name) VALUES (1, 'one')");
});
afterAll(async () => {
  await app.end();
  await pair.close();
});

const add = async () => {
  await app.query(`INSERT INTO parts VALUES (${++id}, 1, 1)`);
  return id;
};
/** What a page and `beyond` say together of the parts, by their keys. */
const known = async (session: Session, of: DecodingSource, from: string, to: string) => {
  const { changes } = await of.page(session, { from, to, afterId: -1n }, [parts], 1_000);
  return {
    within: changes.map(({ row }) => row?.[0]),
    beyond: (await of.beyond(session, to, parts)).map(([key]) => key),
  };
};
const advanceSlot = () =>
  pair.legacy.query(
    `SELECT pg_replication_slot_advance(slot_name, pg_current_wal_flush_lsn()) FROM pg_replication_slots
     WHERE database = current_database()`,
  );
const now = () => store.snapshot((session) => source.end(session));

test('ends before a transaction that is in the log and not shown', async () => {
  const from = await now();
  const shown = await add();
  await store.snapshot(async (session) => {
    await session.query('SELECT 1');
    const late = await add();
    const to = await source.end(session);
    expect(await known(session, source, from, to)).toEqual({ within: [shown], beyond: [] });
    expect(await store.snapshot((later) => known(later, source, to, to))).toEqual({
      within: [],
      beyond: [late],
    });
    const next = await now();
    expect(await store.snapshot((later) => known(later, source, to, next))).toEqual({
      within: [late],
      beyond: [],
    });
  });
});

test('tells of a transaction that is shown and not in the log yet', async () => {
  await app.query('SET synchronous_commit = off');
  let unwritten = 0;
  for (let round = 0; round < 20; round++) {
    const from = await now();
    const added = await add();
    await store.snapshot(async (session) => {
      const to = await source.end(session);
      const { within, beyond } = await known(session, source, from, to);
      expect([...within, ...beyond]).toContain(added);
      unwritten += beyond.length;
    });
    // Reading waits until the disk has what is shown, so the end is after it.
    const next = await store.snapshot(async (session) => {
      await source.catchUp(session);
      return source.end(session);
    });
    expect(await store.snapshot((session) => known(session, source, from, next))).toEqual({
      within: [added],
      beyond: [],
    });
  }
  await app.query('RESET synchronous_commit');
  expect(unwritten).toBeGreaterThan(0);
});

test('reads a long log in windows, and gives the same pages from what it kept and from the slot', async () => {
  const small = new DecodingSource(store, 'things', { window: 40, kept: 10 });
  const large = new DecodingSource(store, 'things');
  await advanceSlot();
  const from = await now();
  const before = id;
  for (let count = 0; count < 30; count++) await add();
  await app.query('UPDATE parts SET count = count + 1');
  const end = await now();
  const first = await store.snapshot((session) => small.window(session));
  expect(first.more).toBe(true);
  expect(BigInt(first.to)).toBeLessThan(BigInt(end));
  await store.snapshot(async (session) => {
    const { within, beyond } = await known(session, small, from, first.to);
    // A copy of the rows must leave out all that the window does not have.
    expect(new Set([...within, ...beyond])).toEqual(
      new Set(Array.from({ length: Number(id) }, (_, n) => BigInt(n + 1))),
    );
    expect(within.length).toBeLessThan(30);
    expect(within[0]).toBe(before + 1n);
  });
  const pages = async (of: DecodingSource) => {
    const all: unknown[] = [];
    for (let afterId: bigint | undefined = -1n; afterId !== undefined; ) {
      const at: bigint = afterId;
      const page = await store.snapshot((session) =>
        of.page(session, { from, to: end, afterId: at }, [parts], 7),
      );
      all.push(...page.changes);
      afterId = page.next;
    }
    return all;
  };
  await store.snapshot((session) => large.end(session));
  const kept = await pages(large);
  expect(kept).toHaveLength(30 + Number(id));
  expect(await pages(small)).toEqual(kept);
});

test('holds a position from what the slot has confirmed on, and none that the server has not reached', async () => {
  const from = await now();
  const holds = (position: string) => store.snapshot((session) => source.holds(session, position));
  expect(await holds(from)).toBe(true);
  expect(await holds('0')).toBe(false);
  expect(await holds(String(BigInt(from) + (1n << 40n)))).toBe(false);
  await add();
  const later = await now();
  await advanceSlot();
  expect(await holds(from)).toBe(false);
  expect(BigInt(later)).toBeGreaterThan(BigInt(from));
});

test.each(['an administrator', 'a role that may only replicate'])(
  'moves where looks begin, as %s',
  async (who) => {
    const url = new URL(pair.legacy.url);
    const role = `role_${randomBytes(6).toString('hex')}`;
    await app.query(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'app'`);
    if (who !== 'an administrator') {
      url.username = role;
      url.password = 'app';
    }
    const own = openStore(parseDatabaseUrl(url.href, 'TEST'));
    const before = BigInt(await now());
    const restart = async () => {
      const [slot] = await pair.legacy.query(
        "SELECT restart_lsn - '0/0' AS restart FROM pg_replication_slots WHERE database = current_database()",
      );
      return BigInt(slot!.restart!);
    };
    // A transaction of another test holds it back while it is open. By itself the server gets there after 15 s.
    const deadline = performance.now() + 10_000;
    while ((await restart()) < before && performance.now() < deadline) {
      await logRunningTransactions(own, false);
      await add();
      await advanceSlot();
      await now();
    }
    expect(await restart()).toBeGreaterThanOrEqual(before);
    // It waits for nobody, and leaves nothing behind.
    await app.query('BEGIN');
    await add();
    await logRunningTransactions(own, false);
    await app.query('COMMIT');
    expect(
      await pair.legacy.query("SELECT 1 FROM pg_replication_slots WHERE slot_name LIKE '%mark%'"),
    ).toEqual([]);
    await own.close();
    await app.query(`DROP ROLE ${role}`);
  },
);

test('does not take what was read under a newer snapshot for what an older one shows', async () => {
  const from = await now();
  await store.snapshot(async (session) => {
    await session.query('SELECT 1');
    const late = await add();
    const newer = await now();
    const to = await source.end(session);
    expect(BigInt(to)).toBeLessThan(BigInt(newer));
    expect(await known(session, source, from, to)).toEqual({ within: [], beyond: [] });
    expect(await store.snapshot((later) => known(later, source, to, newer))).toEqual({
      within: [late],
      beyond: [],
    });
  });
});

test('passes messages that are part of no transaction', async () => {
  const small = new DecodingSource(store, 'things', { window: 40, kept: 10 });
  await advanceSlot();
  let position = await now();
  await app.query("SELECT pg_logical_emit_message(false, 'app', 'x') FROM generate_series(1, 100)");
  const added = await add();
  const found: unknown[] = [];
  for (let more = true; more; ) {
    const window = await store.snapshot((session) => small.window(session));
    expect(BigInt(window.to)).toBeGreaterThan(BigInt(position));
    const from = position;
    found.push(...(await store.snapshot((session) => known(session, small, from, window.to))).within);
    position = window.to;
    more = window.more;
    await small.release(position);
  }
  expect(found).toEqual([added]);
});

test('takes turns with others of this process that read the slot', async () => {
  const others = Array.from({ length: 3 }, () => {
    const own = openStore(parseDatabaseUrl(pair.legacy.url, 'TEST'));
    return { own, source: new DecodingSource(own, 'things') };
  });
  // A look at it takes its time.
  await app.query('CREATE TABLE noise AS SELECT n, md5(n::text) FROM generate_series(1, 100000) n');
  const position = await now();
  const all = others.flatMap(({ own, source: other }) =>
    Array.from({ length: 4 }, () => own.snapshot((session) => other.lag(session, position, ['parts']))),
  );
  expect(await Promise.all(all)).toHaveLength(12);
  for (const { own } of others) await own.close();
});

test('notices a table that was made anew, and one that was left out for a while', async () => {
  const look = () => store.snapshot((session) => source.generation(session, ['parts']));
  const before = await look();
  await app.query('ALTER PUBLICATION strangler_things DROP TABLE parts');
  await expect(look()).rejects.toMatchObject({ code: 'capture_missing' });
  await app.query('ALTER PUBLICATION strangler_things ADD TABLE ONLY parts');
  expect(await look()).not.toBe(before);
  await app.query('DROP TABLE parts');
  await app.query(
    'CREATE TABLE parts (id integer PRIMARY KEY, thing integer NOT NULL, count integer NOT NULL)',
  );
  await expect(look()).rejects.toMatchObject({ code: 'capture_missing' });
});
