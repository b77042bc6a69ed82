import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printCheck } from '../check/print.ts';
import type { Warning } from '../check/report.ts';
import { type Field, localTime, oneWay, utcTime } from '../mapping/fields.ts';
import type { TableDeclaration } from '../mapping/group.ts';
import { openSides, type Sides, shop } from './checked-sides.ts';

// What is well today, and would stop the group or cost much later. It refuses nothing.

let sides: Sides;
beforeAll(async () => {
  sides = await openSides('postgres', 'postgres');
});
afterAll(() => sides.close());

/** The tables are made anew; the key's columns come with them. */
async function warned(
  [old, fresh]: [string, string],
  owned: Field[] = [],
  more: Partial<TableDeclaration> = {},
): Promise<Warning[]> {
  await sides.legacy.script(`DROP TABLE IF EXISTS old; CREATE TABLE old (${old})`);
  await sides.service.script(`DROP TABLE IF EXISTS new; CREATE TABLE new (${fresh})`);
  const report = await sides.check(shop(owned, more));
  expect(report).toMatchObject({ sound: true, faults: [] });
  const { warnings } = report.tables[0]!;
  for (const { sentence } of warnings) expect(printCheck(report)).toContain(`  Warning: ${sentence}\n`);
  return warnings;
}

describe('times finer than a millisecond', () => {
  const bigints: [string, string] = [
    'id bigint PRIMARY KEY, a timestamp, b timestamp(3), c timestamp(4)',
    'id bigint PRIMARY KEY, a bigint, b bigint, c bigint',
  ];

  test('are foretold where the column keeps them, also where no row has one', async () => {
    const local = localTime('c', 'c', { zone: 'Europe/Berlin' });
    const found = await warned(bigints, [utcTime('a'), utcTime('b'), oneWay(local, 'shown only')]);
    expect(found).toMatchObject([
      { kind: 'finer-times', side: 'legacy', field: 'a' },
      { kind: 'finer-times', side: 'legacy', field: 'c' },
    ]);
    expect(found[0]!.sentence).toContain(
      'a is not proven: the column keeps microseconds, a time finer than a millisecond would stop the group.',
    );
    expect(found[1]!.sentence).toContain('the column keeps 4 digits after the second');
    expect(await warned(bigints, [], { reference: [utcTime('a')] })).toHaveLength(1);
  });

  test('are not where it is said what becomes of them', async () => {
    const whole = utcTime('a', 'a', { precision: 'microseconds' });
    const cut = oneWay(utcTime('c', 'c', { finer: 'cut' }), 'shown only');
    expect(await warned(bigints, [whole, cut])).toEqual([]);
    expect(await warned(bigints, [], { reference: [utcTime('a', 'a', { finer: 'cut' })] })).toEqual([]);
  });
});

describe('a key without an index in the order of its reads', () => {
  test('is told for either side, with the index that mends it', async () => {
    const [old, fresh] = ['id text PRIMARY KEY', 'id varchar(40) PRIMARY KEY'];
    const found = await warned([old, fresh]);
    expect(found).toMatchObject([
      { kind: 'key-order', side: 'legacy', field: 'id' },
      { kind: 'key-order', side: 'service', field: 'id' },
    ]);
    expect(found.map(({ statement }) => statement)).toEqual([
      'CREATE INDEX CONCURRENTLY ON "old" ("id" COLLATE "C")',
      'CREATE INDEX CONCURRENTLY ON "new" ("id" COLLATE "C")',
    ]);
    await sides.legacy.query(found[0]!.statement!);
    await sides.service.query(found[1]!.statement!);
    expect((await sides.check(shop([]))).tables[0]!.warnings).toEqual([]);
  });

  test.each<[string, string]>([
    ['whole numbers', 'id bigint PRIMARY KEY'],
    ['a column whose collation is "C"', 'id text COLLATE "C" PRIMARY KEY'],
  ])('is none: %s', async (_, columns) => {
    expect(await warned([columns, columns])).toEqual([]);
  });

  test('is one of several columns, too, and one whose index has them in another order', async () => {
    const key = [
      { from: 'id', to: 'id' },
      { from: 'code', to: 'code' },
    ];
    const columns = 'id bigint, code text';
    const found = await warned(
      [`${columns}, PRIMARY KEY (id, code)`, `${columns} COLLATE "C", PRIMARY KEY (code, id)`],
      [],
      { key },
    );
    expect(found.map(({ statement }) => statement)).toEqual([
      'CREATE INDEX CONCURRENTLY ON "old" ("id", "code" COLLATE "C")',
      'CREATE INDEX CONCURRENTLY ON "new" ("id", "code" COLLATE "C")',
    ]);
    expect(
      await warned(
        [`${columns} COLLATE "C", PRIMARY KEY (id, code)`, `${columns} COLLATE "C", PRIMARY KEY (id, code)`],
        [],
        { key },
      ),
    ).toEqual([]);
  });

  test('is none on SQLite', async () => {
    const small = await openSides('sqlite', 'sqlite');
    await small.legacy.script('CREATE TABLE old (id text PRIMARY KEY)');
    await small.service.script('CREATE TABLE new (id text PRIMARY KEY)');
    expect((await small.check(shop([]))).tables[0]!.warnings).toEqual([]);
    await small.close();
  });
});
