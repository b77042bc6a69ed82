import { afterEach, describe, expect, test } from 'vitest';
import type { Feed } from '../../feed/feed.ts';
import { openPair, pairs, type StorePair } from '../store-pair.ts';
import { contents, createTable, insert, mirror, openMirror, type TrapTable } from './tables.ts';

// The first copy goes on while rows change: before the place where it is, at it and behind it.

const rows: TrapTable = { name: 'entries', columns: { id: 'integer', v: 'text', gone: 'text' } };
const notes: TrapTable = { name: 'notes', columns: { word: 'text NOT NULL', n: 'integer UNIQUE' } };

let pair: StorePair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

const ids = Array.from({ length: 9 }, (_, index) => (index + 1) * 10);
const words = ['A', 'b', 'C', 'd', 'ä'];

/** Changes between two steps, some for every place the copy may be at. */
const changes: string[] = [
  "UPDATE entries SET v = v || '+' WHERE id IN (10, 30, 90)",
  "INSERT INTO entries VALUES (15, 'new', NULL), (35, 'new', NULL), (95, 'new', NULL)",
  'DELETE FROM entries WHERE id IN (20, 50)',
  "UPDATE entries SET id = 85, v = 'ahead' WHERE id = 10",
  "UPDATE entries SET id = 5, v = 'behind' WHERE id = 90",
  "UPDATE entries SET gone = 'yes' WHERE id IN (30, 80)",
  'UPDATE notes SET n = -n; UPDATE notes SET n = 6 + n',
  'UPDATE entries SET gone = NULL WHERE id = 30',
  'UPDATE entries SET id = 200 WHERE id = 5; UPDATE entries SET id = 5 WHERE id = 85; UPDATE entries SET id = 85 WHERE id = 200',
  "DELETE FROM entries WHERE id = 60; INSERT INTO entries VALUES (60, 'again', NULL)",
  "UPDATE notes SET word = 'Ä' WHERE word = 'A'; UPDATE notes SET word = 'A' WHERE word = 'ä'",
];

describe.each(pairs)('%s to %s', (from, to) => {
  const open = async () => {
    const group = mirror([rows, notes]);
    group.tables[0]!.absentWhenSet = 'gone';
    group.tables[0]!.owned = group.tables[0]!.owned.slice(0, 1);
    pair = await openPair(group, [from, to], {
      legacy: async (database) => {
        for (const table of [rows, notes]) await createTable(database, table);
      },
      service: async (database) => {
        await createTable(database, { ...rows, columns: { id: 'integer', v: 'text' } });
        await createTable(database, notes);
      },
    });
    for (const id of ids)
      await insert(pair.legacy, 'entries', { id, v: `v${id}`, gone: id === 40 ? 'yes' : null });
    for (const [n, word] of words.entries()) await insert(pair.legacy, 'notes', { word, n: n + 1 });
    await insert(pair.service, 'entries', { id: 40, v: 'stale' }, { id: 55, v: 'stale' });
    return pair;
  };
  const expectEqual = async () => {
    const there = { ...rows, columns: { id: 'integer', v: 'text' } };
    const all = await contents(pair!.legacy, rows);
    const live = all.filter(([, , gone]) => gone === null).map((row) => row.slice(0, 2));
    expect(await contents(pair!.service, there)).toEqual(live);
    expect(await contents(pair!.service, notes)).toEqual(await contents(pair!.legacy, notes));
  };

  const sizes = [2, 3].flatMap((chunkRows) =>
    [false, true].map((anew): [number, boolean] => [chunkRows, anew]),
  );
  test.each(sizes)(
    'changes between steps of %i rows, with a new feed at every step: %s',
    async (chunkRows, anew) => {
      const { legacy, feed: make, drain } = await open();
      for (let offset = 0; offset < changes.length; offset += 5) {
        let feed = make('forward', { chunkRows });
        await pair!.service.query("DELETE FROM strangler_feed WHERE feed = 'trap:forward'");
        for (let step = 0; step < 10; step++) {
          if (anew) feed = make('forward', { chunkRows });
          await feed.step('legacy');
          const change = changes[(step + offset) % changes.length]!;
          await legacy
            .transaction(async (query) => {
              for (const sql of change.split('; '))
                await query(sql).catch((error: Error) => ignoreTaken(error));
            })
            .catch((error: Error) => ignoreTaken(error));
        }
        await drain(make('forward', { chunkRows }));
        await expectEqual();
        await legacy.script('DELETE FROM entries; DELETE FROM notes');
        for (const id of ids) await insert(legacy, 'entries', { id, v: `w${id}`, gone: null });
        for (const [n, word] of words.entries()) await insert(legacy, 'notes', { word, n: n + 1 });
      }
    },
  );

  test('two feeds in turns: one of them finds that it was moved, and nothing is applied twice', async () => {
    const { legacy, feed: make, service, drain } = await open();
    const feeds = [make('forward', { chunkRows: 2 }), make('forward', { chunkRows: 2 })];
    let moved = 0;
    const step = async (feed: Feed) => {
      try {
        return await feed.step('legacy');
      } catch (error) {
        expect(error).toMatchObject({ code: 'feed_moved' });
        moved += 1;
        feed.forget();
        return undefined;
      }
    };
    for (let round = 0; round < 12; round++) {
      for (const feed of feeds) {
        await step(feed);
        await legacy.query("UPDATE entries SET v = v || '.' WHERE id IN (10, 60)");
      }
    }
    for (const feed of feeds) {
      feed.forget();
      await drain(feed);
    }
    await expectEqual();
    expect(moved).toBeGreaterThan(1);
    const [state] = await service.query("SELECT applied FROM strangler_feed WHERE feed = 'trap:forward'");
    // 48 changes, and the rows that were there before, where the log did not end behind them yet.
    expect(Number(state!.applied)).toBeLessThanOrEqual(48 + ids.length + words.length);
  });

  test('two feeds at the same moment', async () => {
    const { legacy, feed: make, drain } = await open();
    const feeds = [make('forward', { chunkRows: 2 }), make('forward', { chunkRows: 2 })];
    for (let round = 0; round < 8; round++) {
      const both = await Promise.allSettled(feeds.map((feed) => feed.step('legacy')));
      for (const [index, one] of both.entries()) {
        if (one.status === 'fulfilled') continue;
        expect(one.reason).toMatchObject({ code: expect.stringMatching(/^(feed_moved|store_busy)$/) });
        feeds[index]!.forget();
      }
      await legacy.query("UPDATE entries SET v = v || '.' WHERE id = 10");
    }
    await drain(make());
    await expectEqual();
  });

  test('a copy anew over an earlier one: rows that are gone, referred to, or hold a unique value of another', async () => {
    const parents: TrapTable = { name: 'parents', columns: { id: 'integer', code: 'text UNIQUE' } };
    const children: TrapTable = {
      name: 'children',
      columns: { id: 'integer', parent: 'integer NOT NULL REFERENCES parents (id)' },
    };
    const opened = await openMirror([from, to], [parents, children], { feed: { chunkRows: 2 } });
    pair = opened;
    for (let id = 1; id <= 8; id++) {
      await insert(opened.legacy, 'parents', { id, code: `c${id}` });
      await insert(opened.legacy, 'children', { id, parent: id });
    }
    await opened.follow();
    await opened.service.query("DELETE FROM strangler_feed WHERE feed = 'trap:forward'");
    await opened.legacy.script(
      "DELETE FROM children WHERE id IN (2, 7); DELETE FROM parents WHERE id IN (2, 7); UPDATE parents SET code = 'x' WHERE id = 8; " +
        "UPDATE parents SET code = 'c8' WHERE id = 1; UPDATE parents SET code = 'c1' WHERE id = 5",
    );
    const feed = opened.feed('forward', { chunkRows: 2 });
    await feed.step('legacy');
    await opened.legacy.script('DELETE FROM children WHERE id = 6; DELETE FROM parents WHERE id = 6');
    await feed.step('legacy');
    await opened.drain(feed);
    await opened.expectEqual();
  });
});

/** The change list is run from every place of the copy; a key that it makes may be there already. */
function ignoreTaken(error: Error): void {
  if (!/UNIQUE|duplicate key|aborted/.test(error.message)) throw error;
}
