import { afterEach, describe, expect, test } from 'vitest';
import type { Dialect } from '../databases.ts';
import { pairs } from '../store-pair.ts';
import { contents, insert, type MirrorPair, openMirror, type TrapTable } from './tables.ts';

// What a window of changes comes to must be written in an order that the target's constraints allow.

let pair: MirrorPair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

type Query = (sql: string, ...parameters: unknown[]) => Promise<unknown>;

/** Swaps the values of a column between two rows by way of one that nobody has. */
async function swap(
  query: Query,
  column: string,
  [one, left]: Held,
  [other, right]: Held,
  aside: unknown,
): Promise<void> {
  await query(`UPDATE things SET ${column} = ? WHERE id = ?`, aside, one);
  await query(`UPDATE things SET ${column} = ? WHERE id = ?`, left, other);
  await query(`UPDATE things SET ${column} = ? WHERE id = ?`, right, one);
}

type Held = [id: number, value: unknown];

const kinds: Record<string, { column: string; value(id: number): unknown; only?: Dialect }> = {
  text: { column: 'text NOT NULL', value: (id) => `v${id}` },
  integer: { column: 'integer NOT NULL', value: (id) => id * 10 },
  'text that may be NULL': { column: 'text', value: (id) => `v${id}` },
  decimal: { column: 'decimal NOT NULL', value: (id) => id },
  blob: { column: 'bytes NOT NULL', value: (id) => Buffer.from([id, 0]) },
  'smallint at PostgreSQL': { column: 'smallint NOT NULL', value: (id) => id, only: 'postgres' },
  'a short varchar at PostgreSQL': {
    column: 'varchar(1) NOT NULL',
    value: (id) => `${id}`.slice(-1),
    only: 'postgres',
  },
  'uuid at PostgreSQL': {
    column: 'uuid NOT NULL',
    value: (id) => `5eaf00d0-0000-4000-8000-${String(id).padStart(12, '0')}`,
    only: 'postgres',
  },
  'timestamptz at PostgreSQL': {
    column: 'timestamptz NOT NULL',
    value: (id) => `2026-11-0${id}T10:00:00Z`,
    only: 'postgres',
  },
};

describe.each(pairs)('%s to %s', (from, to) => {
  const possible = Object.entries(kinds).filter(
    ([, { only }]) => only === undefined || (from === only && to === only),
  );

  test.each(possible)('unique values swapped, passed on and used again: %s', async (_, { column, value }) => {
    const things: TrapTable = {
      name: 'things',
      columns: { id: 'integer', v: `${column} UNIQUE`, n: 'integer' },
    };
    pair = await openMirror([from, to], [things]);
    for (let id = 1; id <= 6; id++) await insert(pair.legacy, 'things', { id, v: value(id), n: id });
    await pair.follow();
    await pair.legacy.transaction((query) => swap(query, 'v', [1, value(1)], [2, value(2)], value(9)));
    await pair.follow();
    // 3 takes what 4 had, 4 what 5 had, 5 something new.
    await pair.legacy.transaction(async (query) => {
      await query('UPDATE things SET v = ? WHERE id = 5', value(7));
      await query('UPDATE things SET v = ? WHERE id = 4', value(5));
      await query('UPDATE things SET v = ? WHERE id = 3', value(4));
    });
    await pair.follow();
    await pair.legacy.transaction(async (query) => {
      await query('DELETE FROM things WHERE id = 6');
      await query('INSERT INTO things VALUES (8, ?, 0)', value(6));
      await swap(query, 'v', [1, value(2)], [3, value(4)], value(9));
      await query('DELETE FROM things WHERE id = 2');
      await query('UPDATE things SET v = ? WHERE id = 4', value(8));
      await query('INSERT INTO things VALUES (2, ?, 0)', value(5));
    });
    await pair.follow();
  });

  test('an index of two columns of which one refers to a row, and two such indexes at once', async () => {
    const lists: TrapTable = { name: 'lists', columns: { id: 'integer' } };
    const things: TrapTable = {
      name: 'things',
      columns: {
        id: 'integer',
        list: 'integer NOT NULL REFERENCES lists (id)',
        place: 'integer NOT NULL',
        code: 'text NOT NULL UNIQUE',
      },
      constraints: ['UNIQUE (list, place)'],
    };
    pair = await openMirror([from, to], [lists, things]);
    await insert(pair.legacy, 'lists', { id: 1 }, { id: 2 });
    for (let id = 1; id <= 4; id++)
      await insert(pair.legacy, 'things', { id, list: 1, place: id, code: `c${id}` });
    await pair.follow();
    await pair.legacy.transaction(async (query) => {
      await swap(query, 'place', [1, 1], [2, 2], 99);
      await swap(query, 'code', [2, 'c2'], [3, 'c3'], 'aside');
      await query('UPDATE things SET list = 2 WHERE id = 4');
    });
    await pair.follow();
  });

  test('a unique index on a part of the rows, and one on an expression', async () => {
    const things: TrapTable = {
      name: 'things',
      columns: { id: 'integer', v: 'text NOT NULL', w: 'text NOT NULL', open: 'integer NOT NULL' },
      more: [
        'CREATE UNIQUE INDEX one_open ON things (v) WHERE open = 1',
        'CREATE UNIQUE INDEX by_w ON things (lower(w))',
      ],
    };
    pair = await openMirror([from, to], [things]);
    for (let id = 1; id <= 4; id++)
      await insert(pair.legacy, 'things', { id, v: `v${id}`, w: `w${id}`, open: 1 });
    await pair.follow();
    await pair.legacy.transaction((query) => swap(query, 'v', [1, 'v1'], [2, 'v2'], 'aside'));
    await pair.legacy.transaction((query) => swap(query, 'w', [3, 'w3'], [2, 'w2'], 'aside'));
    await pair.follow();
  });

  test('rows with text keys and keys of two columns swap whole numbers', async () => {
    const words: TrapTable = {
      name: 'words',
      columns: { word: 'text NOT NULL', n: 'integer NOT NULL UNIQUE' },
    };
    const seats: TrapTable = {
      name: 'seats',
      columns: { hall: 'integer NOT NULL', place: 'text NOT NULL', n: 'integer NOT NULL UNIQUE' },
      key: ['hall', 'place'],
    };
    pair = await openMirror([from, to], [words, seats]);
    for (let n = 1; n <= 3; n++) {
      await insert(pair.legacy, 'words', { word: `w${n}`, n });
      await insert(pair.legacy, 'seats', { hall: 1, place: `p${n}`, n });
    }
    await pair.follow();
    await pair.legacy.transaction(async (query) => {
      for (const table of ['words', 'seats']) {
        await query(`UPDATE ${table} SET n = -n`);
        await query(`UPDATE ${table} SET n = CASE n WHEN -1 THEN 2 WHEN -2 THEN 3 ELSE 1 END`);
      }
    });
    await pair.follow();
  });

  const parents: TrapTable = { name: 'parents', columns: { id: 'integer', code: 'text UNIQUE' } };
  const children = (rule: string): TrapTable => ({
    name: 'children',
    columns: { id: 'integer', parent: `integer NOT NULL REFERENCES parents (id) ${rule}`, v: 'text' },
  });
  const grandchildren: TrapTable = {
    name: 'grandchildren',
    columns: {
      id: 'integer',
      child: 'integer NOT NULL REFERENCES children (id) ON DELETE CASCADE ON UPDATE CASCADE',
    },
  };

  test.each([
    ['', 'ON UPDATE CASCADE'],
    ['ON DELETE CASCADE ON UPDATE CASCADE', 'ON DELETE CASCADE ON UPDATE CASCADE'],
  ])('parents and children come, go, and change their keys; at the target %s', async (atTarget, atSource) => {
    pair = await openMirror([from, to], [parents, children(atSource), grandchildren], {
      targets: [parents, children(atTarget), grandchildren],
    });
    if (from === 'sqlite') await pair.legacy.script('PRAGMA foreign_keys = ON');
    for (let id = 1; id <= 4; id++) {
      await insert(pair.legacy, 'parents', { id, code: `p${id}` });
      await insert(pair.legacy, 'children', { id: 10 + id, parent: id, v: '' });
      await insert(pair.legacy, 'grandchildren', { id: 100 + id, child: 10 + id });
    }
    await pair.follow();
    await pair.legacy.transaction(async (query) => {
      await query("INSERT INTO parents VALUES (5, 'p5')");
      await query("INSERT INTO children VALUES (15, 5, '')");
      await query('DELETE FROM grandchildren WHERE child = 11');
      await query('DELETE FROM children WHERE parent = 1');
      await query('DELETE FROM parents WHERE id = 1');
    });
    await pair.follow();
    await pair.legacy.query('UPDATE parents SET id = 20 WHERE id = 2');
    await pair.follow();
    // The code goes from a parent that goes to one that comes, and its child changes hands.
    await pair.legacy.transaction(async (query) => {
      await query("UPDATE parents SET code = 'old' WHERE id = 3");
      await query("INSERT INTO parents VALUES (30, 'p3')");
      await query('UPDATE children SET parent = 30 WHERE parent = 3');
      await query('DELETE FROM parents WHERE id = 3');
      await query('UPDATE parents SET id = 40 WHERE id = 4');
    });
    await pair.follow();
    expect(await contents(pair.service, grandchildren)).toHaveLength(3);
  });

  test('rows of one table that refer to each other come and go in any order', async () => {
    const nodes: TrapTable = {
      name: 'nodes',
      columns: { id: 'integer', above: 'integer REFERENCES nodes (id)' },
    };
    pair = await openMirror([from, to], [nodes]);
    await pair.legacy.query('INSERT INTO nodes VALUES (5, NULL)');
    for (const [id, above] of [
      [3, 5],
      [4, 3],
      [1, 4],
      [2, 1],
    ])
      await insert(pair.legacy, 'nodes', { id, above });
    await pair.follow();
    await pair.legacy.transaction(async (query) => {
      for (const id of [2, 1, 4, 3, 5]) await query('DELETE FROM nodes WHERE id = ?', id);
      await query('INSERT INTO nodes VALUES (9, NULL)');
      await query('INSERT INTO nodes VALUES (8, 9)');
      await query('INSERT INTO nodes VALUES (7, 8)');
    });
    await pair.follow();
  });

  test.each([3, 1])(
    'a window of many pages of %i is one transaction, unique values across pages too',
    async (pageRows) => {
      const things: TrapTable = {
        name: 'things',
        columns: { id: 'integer', v: 'text NOT NULL UNIQUE', n: 'integer' },
      };
      pair = await openMirror([from, to], [things], { feed: { pageRows } });
      for (let id = 1; id <= 8; id++) await insert(pair.legacy, 'things', { id, v: `v${id}`, n: 0 });
      await pair.follow();
      await pair.legacy.transaction(async (query) => {
        await query("UPDATE things SET v = 'aside' WHERE id = 1");
        await query("UPDATE things SET v = 'v1' WHERE id = 8");
        for (let n = 1; n <= 10; n++) await query('UPDATE things SET n = ? WHERE id BETWEEN 3 AND 6', n);
        await query("UPDATE things SET v = 'v8' WHERE id = 1");
        await query('DELETE FROM things WHERE id = 2');
        await query("INSERT INTO things VALUES (9, 'v2', 0)");
      });
      const seen = await contents(pair.service, things);
      const feed = pair.feed('forward', { pageRows });
      while (true) {
        const { changes } = await feed.step('legacy');
        const now = await contents(pair.service, things);
        if (changes > 0) break;
        expect(now).toEqual(seen);
      }
      await pair.expectEqual();
      await pair.legacy.transaction(async (query) => {
        for (let n = 1; n <= 5; n++) {
          await query(`UPDATE things SET v = '${n}-' || v`);
          await query('DELETE FROM things WHERE id = 4');
          await query(`INSERT INTO things VALUES (4, 'again ${n}', ${n})`);
        }
      });
      await pair.follow();
    },
  );
});
