import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printCheck } from '../check/print.ts';
import { copy, type Field, flags, pair } from '../mapping/fields.ts';
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
});
