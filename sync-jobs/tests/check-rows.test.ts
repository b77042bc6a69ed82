import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printCheck } from '../check/print.ts';
import { copy, type Field, flags, pair, split } from '../mapping/fields.ts';
import { found, openSides, type Sides, shop } from './checked-sides.ts';
import type { Dialect } from './databases.ts';

describe.each<Dialect>(['sqlite', 'postgres'])('whole rows of %s', (dialect) => {
  let sides: Sides;
  beforeAll(async () => {
    sides = await openSides(dialect, 'postgres');
  });
  afterAll(() => sides.close());

  test('flags that make no declared state, and a function that fails', async () => {
    const { legacy, service } = sides;
    await legacy.script(
      'DROP TABLE IF EXISTS old; CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, paid integer, gone integer, n text)',
    );
    await service.script(
      'DROP TABLE IF EXISTS new; CREATE TABLE new (id bigint PRIMARY KEY, state text, n text)',
    );
    await legacy.script("INSERT INTO old VALUES (1, 0, 0, 'x'), (2, 1, 0, 'y'), (3, 1, 1, NULL)");
    const throws = pair({
      from: ['n'],
      to: ['n'],
      toService: ([value]) => [(value as string).trim()],
      toLegacy: (row) => row,
    });
    const short = { ...throws, toService: () => [] } as Field;
    const state = flags('state', { open: { paid: 0, gone: 0 }, paid: { paid: 1, gone: 0 } });
    expect(found(await sides.check(shop([state, throws])))).toEqual([
      { kind: 'unlisted', direction: 'forward', field: 'paid+gone -> state', count: 1, key: '3' },
      { kind: 'unmappable', direction: 'forward', field: 'n', count: 1, key: '3' },
    ]);
    const report = await sides.check(shop([state, short]));
    expect(report.tables[0]!.findings.find(({ field }) => field === 'n')).toMatchObject({
      count: 3,
      result: 'it gives 0 values for 1 columns',
    });
  });

  test('CHECK constraints over several columns, in every place of a statement of SQLite', async () => {
    const target = await openSides(dialect, dialect);
    await target.legacy.script('CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, a integer, c integer)');
    await target.legacy.script('INSERT INTO old VALUES (1, 1, 2), (2, 3, 3), (3, 9, 1), (4, NULL, 1)');
    await target.service.script(`CREATE TABLE new (id bigint NOT NULL PRIMARY KEY, -- CHECK (id < 0)
      a integer CONSTRAINT small CHECK (a < 9 /* ) */), "c" integer, who text NOT NULL check(who <> 'check (1)'),
      own integer DEFAULT 1 CHECK (own > 0), CHECK ((a <= c) OR (a IS NULL) -- or none
      ))`);
    const report = await target.check(shop([copy('a'), copy('c')], { writtenBy: 'who' }));
    expect(found(report)).toEqual(
      expect.arrayContaining([
        { kind: 'constraint', direction: 'forward', field: 'a', count: 1, key: '3' },
        { kind: 'constraint', direction: 'forward', field: 'a, c', count: 1, key: '3' },
      ]),
    );
    expect(found(report)).toHaveLength(2);
    expect(report.tables[0]!.unasked).toEqual([]);
    await target.legacy.query('DELETE FROM old');
    // A column with a condition is never proven by its type.
    const empty = await target.check(shop([copy('a'), copy('c')], { writtenBy: 'who' }));
    expect(empty.tables[0]!.fields.map(({ field, forward }) => `${field} ${forward.verdict}`)).toEqual([
      'id proven',
      'a measured',
      'c measured',
    ]);
    expect(printCheck(empty)).toContain('not measured: no rows');
    await target.close();
  });

  test('rows that refer to tables outside of the group are looked up where they would go', async () => {
    const target = await openSides(dialect, dialect);
    await target.legacy.script('CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, other bigint)');
    await target.legacy.script('INSERT INTO old VALUES (1, 7), (2, 8), (3, NULL)');
    await target.service.script(`CREATE TABLE parent (other bigint NOT NULL PRIMARY KEY); INSERT INTO parent VALUES (7);
      CREATE TABLE new (id bigint NOT NULL PRIMARY KEY, other bigint REFERENCES parent (other))`);
    const report = await target.check(shop([copy('other')]));
    expect(found(report)).toEqual([
      { kind: 'orphan', direction: 'forward', field: 'other', count: 1, key: '2' },
    ]);
    expect(report.tables[0]!.findings[0]!.sentence).toBe(
      'row 2 of old refers by other to 8, and parent has no such row. It is the only one.',
    );
    await target.close();
  });

  test('rows that refer to nothing, also to one that is softly deleted', async () => {
    const { legacy, service } = sides;
    const reference = dialect === 'sqlite' ? '' : ' REFERENCES old (id)';
    await legacy.script(`DROP TABLE IF EXISTS old; CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, gone_at text);
      CREATE TABLE part (id bigint NOT NULL PRIMARY KEY, old_id bigint${reference})`);
    await service.script(`DROP TABLE IF EXISTS new; CREATE TABLE new (id bigint PRIMARY KEY);
      CREATE TABLE piece (id bigint PRIMARY KEY, new_id bigint REFERENCES new)`);
    await legacy.script(
      "INSERT INTO old VALUES (1, NULL), (2, 'yes'); INSERT INTO part VALUES (5, 1), (6, 2), (7, NULL)",
    );
    const group = shop([], { absentWhenSet: 'gone_at' });
    group.tables.push({
      from: 'part',
      to: 'piece',
      key: { from: 'id', to: 'id' },
      owned: [copy('old_id', 'new_id')],
    });
    const report = await sides.check(group);
    expect(found(report)).toEqual([
      { kind: 'orphan', direction: 'forward', field: 'new_id', count: 1, key: '6' },
    ]);
    expect(report.tables[1]!.findings[0]!.sentence).toBe(
      'row 6 of part refers by new_id to 2, and new would have no such row. It is the only one.',
    );
    expect(report.tables[0]).toMatchObject({ legacyRows: 2, absentRows: 1 });
    await legacy.script('DROP TABLE part; DROP TABLE old');
    await service.script('DROP TABLE piece; DROP TABLE new');
  });

  test('what bears on several fields counts for each of them, and a row once', async () => {
    const target = await openSides(dialect, dialect);
    await target.legacy.script(`CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, a integer, c integer, d integer);
      INSERT INTO old VALUES (1, 1, 1, 1), (2, 1, 1, 1), (3, 5, -1, 0)`);
    await target.service.script(`CREATE TABLE new (id bigint NOT NULL PRIMARY KEY, b integer CHECK (b < 5) CHECK (b <> 5),
      c integer, d integer, UNIQUE (b, c), CHECK (b < c OR c > 0))`);
    const report = await target.check(shop([copy('a', 'b'), copy('c'), copy('d')]), { chunkRows: 2 });
    const { fields, findings } = report.tables[0]!;
    expect(found(report)).toHaveLength(4);
    expect(findings.find(({ kind }) => kind === 'duplicate')).toMatchObject({
      field: 'b, c',
      fields: ['a -> b', 'c'],
    });
    expect(findings.filter(({ kind }) => kind === 'constraint').map((one) => one.fields)).toEqual(
      expect.arrayContaining([['a -> b'], ['a -> b'], ['a -> b', 'c']]),
    );
    // Row 3 breaks three conditions of a, and row 2 the index.
    expect(fields.map(({ field, forward }) => [field, forward.verdict, forward.broken])).toEqual([
      ['id', 'proven', 0],
      ['a -> b', 'refuted', 2],
      ['c', 'refuted', 2],
      ['d', 'proven', 0],
    ]);
    await target.close();
  });

  test('a row that breaks one field twice is one row', async () => {
    const { legacy, service } = sides;
    await legacy.script(`DROP TABLE IF EXISTS old; CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, a text);
      INSERT INTO old VALUES (1, 'x y'), (2, 'long long')`);
    await service.script(
      'DROP TABLE IF EXISTS new; CREATE TABLE new (id bigint PRIMARY KEY, b varchar(3), c varchar(3))',
    );
    const report = await sides.check(shop([split('a', ['b', 'c'], ' ')]));
    expect(found(report)).toMatchObject([{ kind: 'too-long', count: 1, key: '2' }]);
    expect(report.tables[0]!.fields[1]!.forward).toEqual({ verdict: 'refuted', rows: 2, broken: 1 });
  });

  test('a condition on a column that no field fills is told, and not asked', async () => {
    const target = await openSides(dialect, dialect);
    await target.legacy.script(`CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, a text, kept text CHECK (kept <> 'x'));
      INSERT INTO old (id, a) VALUES (1, 'own'), (2, 'x')`);
    await target.service.script(`CREATE TABLE new (id bigint NOT NULL PRIMARY KEY, a text, own text DEFAULT 'x',
      CHECK (a <> own), CHECK (a <> 'own' /* own */), CHECK (own <> 'y'))`);
    const report = await target.check(shop([copy('a')]));
    expect(found(report)).toEqual([
      { kind: 'constraint', direction: 'forward', field: 'a', count: 1, key: '1' },
    ]);
    expect(report.tables[0]!.unasked).toEqual([
      expect.stringMatching(/^new: CHECK \(\(?a <> own\)?\): no field fills own$/),
    ]);
    expect(printCheck(report)).toContain('  Not asked: new: CHECK (');
    await target.close();
  });
});

describe('rows of SQLite', () => {
  let sides: Sides;
  beforeAll(async () => {
    sides = await openSides('sqlite', 'sqlite');
  });
  afterAll(() => sides.close());

  const anew = async (old: string, fresh: string) => {
    await sides.legacy.script(`DROP TABLE IF EXISTS old; ${old}`);
    await sides.service.script(`DROP TABLE IF EXISTS new; ${fresh}`);
  };

  test('CHECK constraints follow the type and the collation of their columns', async () => {
    await anew(
      `CREATE TABLE old (id integer PRIMARY KEY, flag integer, word text, other text, r numeric, "odd ""one" text);
       INSERT INTO old VALUES (1, 0, 'OPEN', 'OPEN', 5, 'a'), (2, 1, 'open', 'open', 5.5, 'B'), (3, 2, 'shut', 'open', 1, 'b')`,
      `CREATE TABLE new (id integer PRIMARY KEY, flag INTEGER NOT NULL CHECK (flag IN ('0', '1')),
         word VARCHAR(9) DEFAULT ('x') COLLATE NOCASE CHECK (new.word = 'open'), -- other COLLATE NOCASE
         other TEXT CHECK (other = 'open'), r REAL CHECK (typeof(r) = 'real'),
         "odd ""one" TEXT COLLATE "nocase" CHECK ("odd ""one" IN ('A', 'B') AND length(x'01') = 1))`,
    );
    const owned = ['flag', 'word', 'other', 'r', 'odd "one'].map((name) => copy(name));
    const report = await sides.check(shop(owned));
    expect(found(report)).toEqual([
      { kind: 'constraint', direction: 'forward', field: 'flag', count: 1, key: '3' },
      { kind: 'constraint', direction: 'forward', field: 'word', count: 1, key: '3' },
      { kind: 'constraint', direction: 'forward', field: 'other', count: 1, key: '1' },
    ]);
    expect(report.tables[0]!.unasked).toEqual([]);
    // What SQLite itself says of the same rows.
    await sides.service.query(`INSERT INTO new VALUES (1, 0, 'OPEN', 'open', 5, 'a')`);
    for (const row of [
      `9, 2, 'open', 'open', 1, 'a'`,
      `9, 1, 'shut', 'open', 1, 'a'`,
      `9, 1, 'open', 'OPEN', 1, 'a'`,
    ]) {
      await expect(sides.service.query(`INSERT INTO new VALUES (${row})`)).rejects.toThrow('CHECK');
    }
  });

  test('a CHECK with a function of the application is told, and not asked', async () => {
    await anew("CREATE TABLE old (id integer PRIMARY KEY, a text); INSERT INTO old VALUES (1, 'x')", '');
    const application = new Database(sides.service.url.replace('sqlite:', ''));
    application.function('loud', { deterministic: true }, (text) => String(text).toUpperCase());
    application.exec(
      'CREATE TABLE new (id integer PRIMARY KEY, a text CHECK (a <> loud(a)) CHECK (a <> upper(a)))',
    );
    application.close();
    const report = await sides.check(shop([copy('a')]));
    expect(found(report)).toEqual([]);
    expect(report.tables[0]!.unasked).toEqual(['CHECK (a <> loud(a)): no such function: loud']);
  });

  test('rows without a whole key are told, and all behind them are read', async () => {
    await anew(
      `CREATE TABLE old (id text PRIMARY KEY, a text);
       INSERT INTO old VALUES (NULL, 'x'), (NULL, 'y'), (NULL, 'z'), ('a', 'x'), ('b', 'y')`,
      'CREATE TABLE new (sale text PRIMARY KEY, a text)',
    );
    const key = { from: 'id', to: 'sale' };
    for (const chunkRows of [1, 2, 3, 4, 100]) {
      const report = await sides.check(shop([copy('a')], { key }), { chunkRows });
      expect(found(report)).toEqual([
        { kind: 'null', direction: 'forward', field: 'id -> sale', count: 3, key: 'NULL' },
      ]);
      expect(report.tables[0]!.legacyRows).toBe(5);
      expect(report.tables[0]!.fields[0]!.forward).toEqual({ verdict: 'refuted', rows: 5, broken: 3 });
    }
  });

  test('rows without part of a key, too', async () => {
    await anew(
      `CREATE TABLE old (id integer, code text, a integer, PRIMARY KEY (id, code));
       INSERT INTO old VALUES (NULL, NULL, 1), (NULL, 'x', 2), (1, NULL, 3), (1, 'a', 4), (1, 'b', 5), (2, NULL, 6),
         (2, NULL, 7), (2, 'a', 8)`,
      'CREATE TABLE new (id integer, code text, a integer CHECK (a <> 8 AND a <> 5), PRIMARY KEY (id, code))',
    );
    const key = ['id', 'code'].map((name) => ({ from: name, to: name }));
    for (const chunkRows of [1, 2, 3, 100]) {
      const report = await sides.check(shop([copy('a')], { key }), { chunkRows });
      expect(report.tables[0]!.legacyRows).toBe(8);
      expect(found(report)).toMatchObject([
        { kind: 'null', field: 'id, code', count: 1, key: 'NULL, NULL' },
        { kind: 'null', field: 'id', count: 1, key: 'NULL, "x"' },
        { kind: 'null', field: 'code', count: 3, key: '1, NULL' },
        { kind: 'constraint', field: 'a', count: 2, key: '1, "b"' },
      ]);
      expect(report.tables[0]!.fields.map(({ field, forward }) => [field, forward.broken])).toEqual([
        ['id', 2],
        ['code', 4],
        ['a', 2],
      ]);
    }
  });
});
