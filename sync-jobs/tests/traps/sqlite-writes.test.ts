import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import { install, planInstall } from '../../capture/installation.ts';
import type { Dialect } from '../databases.ts';
import { contents, insert, type MirrorPair, openMirror, type TrapTable } from './tables.ts';

// What statements of SQLite do to rows without saying so.

const people: TrapTable = {
  name: 'people',
  columns: { id: 'integer', email: 'text UNIQUE', badge: 'integer', room: 'integer', n: 'integer' },
  constraints: ['UNIQUE (badge, room)'],
};

let pair: MirrorPair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

const targets: Dialect[] = ['sqlite', 'postgres'];
const settings = ['OFF', 'ON'].flatMap((recursive) =>
  targets.map((to): [string, Dialect] => [recursive, to]),
);

describe.each(settings)('recursive_triggers %s, to %s', (recursive, to) => {
  const open = async (tables: TrapTable[], targetTables?: TrapTable[]) => {
    pair = await openMirror(
      ['sqlite', to],
      tables,
      targetTables === undefined ? {} : { targets: targetTables },
    );
    await pair.legacy.script(`PRAGMA recursive_triggers = ${recursive}; PRAGMA foreign_keys = ON`);
    return pair;
  };
  const openPeople = async () => {
    const opened = await open([people]);
    for (let id = 1; id <= 9; id++) {
      await insert(opened.legacy, 'people', { id, email: `${id}@x`, badge: id, room: 1, n: 0 });
    }
    await opened.follow();
    return opened;
  };

  test.each([
    ['the key', "INSERT OR REPLACE INTO people VALUES (3, 'new@x', 30, 1, 1)"],
    ['one unique index', "INSERT OR REPLACE INTO people VALUES (20, '3@x', 30, 1, 1)"],
    ['an index of two columns', "REPLACE INTO people VALUES (20, 'new@x', 4, 1, 1)"],
    ['several rows at once', "REPLACE INTO people VALUES (1, '2@x', 3, 1, 1)"],
    ['without a key of its own', "REPLACE INTO people (email, badge, room) VALUES ('5@x', 6, 1)"],
    [
      'several rows of one statement',
      'REPLACE INTO people SELECT id + 1, email, badge + 2, room, 7 FROM people WHERE id < 6',
    ],
    ['an update of the key', 'UPDATE OR REPLACE people SET id = 5 WHERE id = 4'],
    ['an update of an index', "UPDATE OR REPLACE people SET email = '5@x' WHERE id = 4"],
    ['an update of many', 'UPDATE OR REPLACE people SET badge = (id + 1) / 2'],
    ['an update of the row id', 'UPDATE people SET rowid = 77 WHERE id = 4'],
    ['a replacing update of the row id', 'UPDATE OR REPLACE people SET rowid = 5 WHERE id = 4'],
    [
      'nothing: it is ignored',
      "INSERT OR IGNORE INTO people VALUES (3, '4@x', 5, 1, 1), (40, '40@x', 40, 1, 1)",
    ],
    ['an ignored update', "UPDATE OR IGNORE people SET email = '5@x', n = 9 WHERE id IN (4, 5)"],
    [
      'an upsert by the key',
      "INSERT INTO people VALUES (3, 'x', 1, 9, 1) ON CONFLICT (id) DO UPDATE SET n = 8, email = 'u@x'",
    ],
    [
      'an upsert by an index',
      "INSERT INTO people VALUES (30, '3@x', 3, 9, 1) ON CONFLICT (email) DO UPDATE SET n = 8",
    ],
    [
      'an upsert that moves the key',
      "INSERT INTO people VALUES (30, '3@x', 3, 9, 1) ON CONFLICT (email) DO UPDATE SET id = 31",
    ],
  ])('%s is displaced', async (_, sql) => {
    const { legacy, follow } = await openPeople();
    await legacy.script(sql);
    await follow();
    await legacy.script(
      `BEGIN; UPDATE people SET n = n + 1; ${sql}; UPDATE people SET n = n + 1 WHERE id > 3; COMMIT`,
    );
    await follow();
  });

  test('a statement that fails half-way, a rolled back savepoint and a rolled back transaction leave nothing', async () => {
    const { legacy, follow, drain, feed, service } = await openPeople();
    const before = await contents(service, people);
    await expect(legacy.query("UPDATE people SET email = 'same@x' WHERE id > 2")).rejects.toThrow(/UNIQUE/);
    await expect(
      legacy.query("INSERT INTO people (id, email) VALUES (50, 'a'), (51, 'b'), (50, 'c')"),
    ).rejects.toThrow(/UNIQUE/);
    await legacy.script('BEGIN; DELETE FROM people; ROLLBACK');
    expect((await drain(feed())).changes).toBe(0);
    expect(await contents(service, people)).toEqual(before);
    await legacy.script(
      'BEGIN; UPDATE people SET n = 5 WHERE id = 1; SAVEPOINT a; DELETE FROM people; ROLLBACK TO a; ' +
        "SAVEPOINT b; INSERT OR REPLACE INTO people (id, email) VALUES (60, '2@x'); RELEASE b; COMMIT",
    );
    await follow();
  });

  test('indexes that compare otherwise than their columns, on a part of the rows, or on an expression', async () => {
    const accounts: TrapTable = {
      name: 'accounts',
      columns: { id: 'integer', login: 'text', alias: 'text', mail: 'text', closed: 'integer' },
    };
    const { legacy, follow } = await open(
      [
        {
          ...accounts,
          more: [
            'CREATE UNIQUE INDEX by_login ON accounts (login COLLATE NOCASE)',
            'CREATE UNIQUE INDEX by_alias ON accounts (alias) WHERE closed = 0',
            'CREATE UNIQUE INDEX by_mail ON accounts (lower(mail))',
          ],
        },
      ],
      [accounts],
    );
    for (let id = 1; id <= 5; id++) {
      await insert(legacy, 'accounts', {
        id,
        login: `login${id}`,
        alias: `a${id}`,
        mail: `m${id}@x`,
        closed: 0,
      });
    }
    await follow();
    await legacy.query("REPLACE INTO accounts VALUES (10, 'LOGIN1', 'b', 'b', 0)");
    await legacy.query("REPLACE INTO accounts VALUES (11, 'c', 'a2', 'c', 0)");
    await legacy.query("REPLACE INTO accounts VALUES (12, 'd', 'd', 'M3@X', 0)");
    await legacy.query("UPDATE OR REPLACE accounts SET mail = 'M5@x' WHERE id = 4");
    await follow();
    expect(await contents(pair!.service, accounts)).toHaveLength(4);
  });

  test('a key that takes no notice of case', async () => {
    const names: TrapTable = { name: 'names', columns: { name: 'text NOT NULL', n: 'integer' } };
    const { legacy, follow } = await open(
      [{ ...names, columns: { ...names.columns, name: 'text NOT NULL COLLATE NOCASE' } }],
      [names],
    );
    await insert(legacy, 'names', { name: 'bob', n: 1 }, { name: 'Eve', n: 1 }, { name: 'al', n: 1 });
    await follow();
    await legacy.query("REPLACE INTO names VALUES ('BOB', 2)");
    await legacy.query("UPDATE names SET name = 'eve' WHERE name = 'EVE'");
    await legacy.query("UPDATE OR REPLACE names SET name = 'EVE' WHERE name = 'al'");
    await follow();
    expect(await contents(pair!.service, names)).toHaveLength(2);
  });

  test('a key that is not the primary key: rows displaced by the primary key', async () => {
    const { legacy, follow } = await open([
      { name: 'codes', columns: { code: 'text NOT NULL', rowno: 'integer UNIQUE', n: 'integer' } },
    ]);
    for (let n = 1; n <= 4; n++) await insert(legacy, 'codes', { code: `c${n}`, rowno: n, n });
    await follow();
    await legacy.query("REPLACE INTO codes VALUES ('c9', 2, 0)");
    await legacy.query("UPDATE OR REPLACE codes SET rowno = 4 WHERE code = 'c3'");
    await follow();
  });

  test('cascades of foreign keys, through two tables and within one', async () => {
    const tables: TrapTable[] = [
      { name: 'parents', columns: { id: 'integer', code: 'text UNIQUE' } },
      {
        name: 'children',
        columns: { id: 'integer', parent: 'integer', above: 'integer' },
        constraints: [
          'FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE',
          'FOREIGN KEY (above) REFERENCES children (id) ON DELETE CASCADE ON UPDATE CASCADE',
        ],
      },
      {
        name: 'toys',
        columns: { id: 'integer', child: 'integer' },
        constraints: ['FOREIGN KEY (child) REFERENCES children (id) ON DELETE SET NULL ON UPDATE CASCADE'],
      },
    ];
    const { legacy, follow } = await open(tables);
    for (let id = 1; id <= 6; id++) {
      await insert(legacy, 'parents', { id, code: `p${id}` });
      await insert(legacy, 'children', { id, parent: id, above: null });
      await insert(legacy, 'toys', { id, child: id });
    }
    await legacy.query('UPDATE children SET above = id - 1 WHERE id IN (2, 3)');
    await legacy.query('UPDATE children SET above = id WHERE id = 6');
    await follow();
    await legacy.query('UPDATE parents SET id = 40 WHERE id = 4');
    await legacy.query('UPDATE children SET id = 60 WHERE id = 6');
    await follow();
    await legacy.query('DELETE FROM parents WHERE id = 1');
    await follow();
    await legacy.query("REPLACE INTO parents VALUES (50, 'p5')");
    await follow();
  });

  test('a table without row ids', async () => {
    pair = await openMirror(['sqlite', to], [{ name: 'unused', columns: { id: 'integer' } }]);
    const table: TrapTable = {
      name: 'pairs',
      columns: { a: 'text NOT NULL', b: 'integer NOT NULL', c: 'text UNIQUE' },
      key: ['a', 'b'],
    };
    await pair.close();
    pair = await openMirror(['sqlite', to], [table]);
    await pair.legacy.script(
      `PRAGMA recursive_triggers = ${recursive}; DROP TABLE pairs;
       CREATE TABLE pairs (a TEXT NOT NULL, b INTEGER NOT NULL, c TEXT UNIQUE, PRIMARY KEY (a, b)) WITHOUT ROWID`,
    );
    await install(pair.stores().legacy, [pair.group], 'legacy');
    await pair.legacy.script("INSERT INTO pairs VALUES ('x', 1, 'p'), ('x', 2, 'q'), ('y', 1, 'r')");
    await pair.follow();
    await pair.legacy.script(
      "REPLACE INTO pairs VALUES ('z', 1, 'p'); REPLACE INTO pairs VALUES ('x', 2, 'qq'); UPDATE OR REPLACE pairs SET b = 1 WHERE a = 'x'; DELETE FROM pairs WHERE a = 'y'",
    );
    await pair.follow();
  });

  test("the legacy application's own triggers change the row once more", async () => {
    const { legacy, follow } = await openPeople();
    await legacy.script(`
      CREATE TRIGGER bump AFTER UPDATE OF email ON people BEGIN UPDATE people SET n = n + 1 WHERE id = NEW.id; END;
      CREATE TRIGGER fill AFTER INSERT ON people BEGIN UPDATE people SET room = 9 WHERE id = NEW.id; END;
      CREATE TRIGGER move AFTER UPDATE OF badge ON people BEGIN UPDATE people SET id = NEW.id + 100 WHERE id = NEW.id; END;
      CREATE TRIGGER drops AFTER UPDATE OF room ON people WHEN NEW.room < 0 BEGIN DELETE FROM people WHERE id = NEW.id; END`);
    await legacy.query("UPDATE people SET email = 'bumped@x' WHERE id = 1");
    await legacy.query("INSERT INTO people VALUES (20, '20@x', 20, 1, 0)");
    await legacy.query('UPDATE people SET badge = 55 WHERE id = 2');
    await legacy.query('UPDATE people SET id = 200, badge = 56 WHERE id = 4');
    await legacy.query('UPDATE people SET id = 33, room = -1 WHERE id = 3');
    await follow();
  });

  test('computed columns follow what they are computed of', async () => {
    const stored: TrapTable = { name: 'sums', columns: { id: 'integer', a: 'integer', twice: 'integer' } };
    const { legacy, follow } = await open(
      [{ ...stored, columns: { id: 'integer', a: 'integer', twice: 'integer GENERATED ALWAYS AS (a * 2)' } }],
      [stored],
    );
    await legacy.query('INSERT INTO sums (id, a) VALUES (1, 2)');
    await follow();
    await legacy.query('UPDATE sums SET a = 5');
    await follow();
  });
});

describe.each(targets)('to %s', (to) => {
  test('rows of a connection that shares no setting with ours, and of a process without our triggers loaded yet', async () => {
    pair = await openMirror(['sqlite', to], [people]);
    const other = new Database(pair.legacy.url.slice('sqlite:'.length));
    try {
      other.prepare('SELECT count(*) FROM people').get();
      other.pragma('foreign_keys = OFF');
      other.pragma('case_sensitive_like = ON');
      other.exec("INSERT INTO people VALUES (1, 'a', 1, 1, 1), (2, 'b', 2, 1, 1)");
      await pair.follow();
      other.exec("REPLACE INTO people VALUES (3, 'a', 2, 1, 1)");
      await pair.follow();
      expect(await contents(pair.service, people)).toHaveLength(1);
    } finally {
      other.close();
    }
  });

  test('a table rebuilt by copy and rename is noticed, and healed by install and a copy anew', async () => {
    pair = await openMirror(['sqlite', to], [people], { feed: { chunkRows: 2 } });
    for (let id = 1; id <= 7; id++)
      await insert(pair.legacy, 'people', { id, email: `${id}@x`, badge: id, room: 1, n: 0 });
    await pair.follow();
    await pair.legacy.script(`
      CREATE TABLE rebuilt (id INTEGER PRIMARY KEY, email TEXT UNIQUE, badge INTEGER, room INTEGER, n INTEGER, UNIQUE (badge, room));
      INSERT INTO rebuilt SELECT * FROM people; DROP TABLE people; ALTER TABLE rebuilt RENAME TO people;
      DELETE FROM people WHERE id = 2; UPDATE people SET n = 5 WHERE id = 3;
      UPDATE people SET email = 'x' WHERE id = 1; UPDATE people SET email = '1@x' WHERE id = 6; UPDATE people SET email = '6@x' WHERE id = 1;
      INSERT INTO people VALUES (0, '2@x', 2, 1, 0)`);
    const { legacy } = pair.stores();
    const { drift } = await planInstall(legacy, [pair.group], 'legacy');
    expect(drift).toEqual([
      { table: 'people', kind: 'missing', what: expect.stringMatching(/trigger .* gone/) },
    ]);
    await install(legacy, [pair.group], 'legacy');
    expect((await planInstall(legacy, [pair.group], 'legacy')).drift).toEqual([]);
    await pair.follow();
    await pair.legacy.query('UPDATE people SET n = n + 1');
    await pair.follow();
  });
});
