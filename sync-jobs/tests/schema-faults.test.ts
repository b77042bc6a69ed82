import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readShapes } from '../feed/shapes.ts';
import {
  constant,
  copy,
  type Field,
  flags,
  integer,
  legacyConstant,
  localTime,
  merge,
  money,
  oneWay,
  split,
  utcTime,
  values,
} from '../mapping/fields.ts';
import type { TableDeclaration } from '../mapping/group.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';

const table: TableDeclaration = {
  from: 'orders',
  to: 'sales',
  key: { from: 'id', to: 'sale_id' },
  owned: [copy('note')],
};

/** What it shows, the columns of either table, and what is declared. */
type KeyCase = [string, string, string, Partial<TableDeclaration>];

describe.each<Dialect>(['sqlite', 'postgres'])('declarations and the tables on %s', (dialect) => {
  let legacy: TestDatabase;
  let service: TestDatabase;
  let source: Store;
  let target: Store;
  beforeAll(async () => {
    legacy = await freshDatabase(dialect);
    service = await freshDatabase(dialect);
    source = openStore(parseDatabaseUrl(legacy.url, 'LEGACY'));
    target = openStore(parseDatabaseUrl(service.url, 'SERVICE'));
  });
  afterAll(async () => {
    await source.close();
    await target.close();
    await legacy.drop();
    await service.drop();
  });

  const read = (...tables: TableDeclaration[]) => readShapes({ name: 'shop', tables }, source, target);

  /** Why a declaration is refused, over tables of these columns. */
  async function reasons(
    from: string,
    to: string,
    declared: Partial<TableDeclaration> = {},
  ): Promise<string[]> {
    for (const [database, name, columns] of [
      [legacy, 'orders', from],
      [service, 'sales', to],
    ] as const) {
      await database.script(`DROP TABLE IF EXISTS ${name}`);
      await database.script(`CREATE TABLE ${name} (${columns})`);
    }
    try {
      const [shapes] = await read({ ...table, owned: [], ...declared });
      expect([...shapes!.legacy.columns.keys()].length).toBeGreaterThan(0);
      return [];
    } catch (error) {
      expect(error).toMatchObject({ code: 'declaration_refused', exitCode: 2 });
      const lines = (error as Error).message.trim().split('\n').slice(1);
      return lines.map((line) => line.trim().replace('shop: orders -> sales: ', ''));
    }
  }

  test('tables that are not there yet are waited for, all of them named', async () => {
    await legacy.script('CREATE TABLE present (id integer PRIMARY KEY, note text)');
    await expect(read(table, { ...table, from: 'present', to: 'things' })).rejects.toMatchObject({
      code: 'tables_missing',
      message: expect.stringMatching(/^shop waits for orders in .+ and sales in .+ and things in [^ ]+\.$/),
    });
  });

  test('all reasons come at once', async () => {
    const from = 'id integer PRIMARY KEY, number integer, part_id integer NOT NULL, note text, amount real';
    const to = `sale_id bigint PRIMARY KEY, label text UNIQUE NOT NULL, note bigint, made text, made_at text,
      count text, local text, price text, written_by text NOT NULL`;
    const found = await reasons(from, to, {
      key: { from: 'part_id', to: 'sale_id' },
      absentWhenSet: 'gone_at',
      writtenBy: 'writer',
      owned: [
        copy('note'),
        copy('missing', 'made'),
        copy('note', 'absent'),
        utcTime('note', 'made_at'),
        oneWay(integer('amount', 'count'), 'a type is checked also where nothing is written back'),
      ],
      reference: [localTime('note', 'local', { zone: 'Europe/Berlin' }), money('amount', 'price')],
    });
    const columns = 'it has sale_id, label, note, made, made_at, count, local, price, written_by';
    const legacyColumns = 'it has id, number, part_id, note, amount';
    expect(found).toEqual([
      'part_id: the key in orders has no unique index of its own',
      `writer: sales has no column writer; ${columns}`,
      `gone_at: orders has no column gone_at; ${legacyColumns}`,
      'note: copy of note, which is text, into a column that is integer',
      `missing -> made: orders has no column missing; ${legacyColumns}`,
      `note -> absent: sales has no column absent; ${columns}`,
      'note -> made_at: utc-time makes an integer, and the column is text',
      'amount -> count: integer makes an integer, and the column is text',
      'note -> local: local-time makes an integer, and the column is text',
      'amount -> price: money makes an integer, and the column is text',
    ]);
  });

  test('every column that the service demands is filled', async () => {
    const to = `sale_id bigint PRIMARY KEY, label text NOT NULL, demanded bigint NOT NULL,
      filled bigint NOT NULL DEFAULT 1, note text, written_by text NOT NULL`;
    const from = 'id integer PRIMARY KEY, label text';
    const unfilled = (column: string) =>
      `${column}: sales demands a value (NOT NULL, no default) and no field fills it`;
    expect(await reasons(from, to)).toEqual(['label', 'demanded', 'written_by'].map(unfilled));
    const filled = { writtenBy: 'written_by', owned: [constant('demanded', 0)] };
    expect(await reasons(from, to, filled)).toEqual([unfilled('label')]);
    expect(await reasons(from, to, { ...filled, reference: [copy('label')] })).toEqual([]);
  });

  test('every column that the legacy table demands is filled in rows that the service makes', async () => {
    const from = `id integer PRIMARY KEY, note text, who text NOT NULL, kind integer NOT NULL,
      filled integer NOT NULL DEFAULT 1`;
    const to = 'sale_id bigint PRIMARY KEY, who text, kind bigint';
    const unfilled = (column: string) =>
      `${column}: orders demands a value (NOT NULL, no default) that a row made by the service would not have. ` +
      "Fill it with a field or legacyConstant(…), or say rowsFrom: 'legacy' if the service never makes rows";
    const both = [unfilled('who'), unfilled('kind')];
    expect(await reasons(from, to)).toEqual(both);
    expect(await reasons(from, to, { rowsFrom: 'either' })).toEqual(both);
    expect(await reasons(from, to, { rowsFrom: 'legacy' })).toEqual([]);
    expect(await reasons(from, to, { owned: [copy('who'), legacyConstant('kind', 1)] })).toEqual([]);
    // What is not written back fills nothing.
    expect(
      await reasons(from, to, { owned: [oneWay(copy('who'), 'derived')], reference: [copy('kind')] }),
    ).toEqual(both);
  });

  describe('what the types of the columns refuse', () => {
    const blob = dialect === 'sqlite' ? 'blob' : 'bytea';
    const legacyTable = `id integer PRIMARY KEY, t text, n integer, f boolean, r real, d numeric(9, 2), b ${blob},
      ts timestamp, must text NOT NULL DEFAULT 'x'`;
    const serviceTable = `sale_id bigint PRIMARY KEY, t text, u text, n bigint, f boolean, r double precision,
      d numeric(9, 2), b ${blob}, o date, must bigint NOT NULL DEFAULT 1, key_like text`;
    const state = { a: 'open', b: 'shut' };

    test.each<[string, Field, string]>([
      ['a split into a whole number', split('t', ['u', 'n'], ' '), 'split makes texts, and n is integer'],
      ['a split into a boolean', split('t', ['f', 'u'], ' '), 'split makes texts, and f is boolean'],
      ['a split of a whole number', split('n', ['t', 'u'], '-'), 'split writes text back, and n is integer'],
      ['a merge into a whole number', merge(['t', 'd'], 'n', ' '), 'merge makes text, and n is integer'],
      ['a merge of a whole number', merge(['n', 't'], 'u', ' '), 'merge writes texts back, and n is integer'],
      ['values that are text in a whole number', values('t', 'n', state), '"open" is text, and n is integer'],
      [
        'values that are digits there',
        values('t', 'n', { a: '7' }),
        '"7" is text, and n is integer: write 7',
      ],
      [
        'values that are text in a boolean',
        values('t', 'f', { a: 'yes' }),
        '"yes" is text, and f is boolean',
      ],
      ['values that are text in a real', values('t', 'r', state), '"open" is no number, and r is real'],
      ['values that are text in a decimal', values('t', 'd', { a: '' }), '"" is no number, and d is decimal'],
      ['values that are text in a blob', values('t', 'b', state), '"open" is no blob, and b is bytes'],
      [
        'values that are numbers in a text',
        values('t', 'u', { a: 7 }),
        "7 is a number, and u is text: write '7'",
      ],
      [
        'values that no whole number is when they come back',
        values('n', 't', { 1: 'one', many: 'more' }),
        '"many" would be written back, and n is integer',
      ],
      [
        'values of a boolean by other names',
        values('f', 't', { true: 'yes', false: 'no' }),
        '"true" would be written back, and f is boolean',
      ],
      ['flags for a whole number', flags('n', { 1: { t: 'x' } }), '"1" is text, and n is integer: write 1'],
      [
        'flags that are text in a whole number',
        flags('t', { on: { n: 1, f: 1 }, off: { n: '0', f: 0 } }),
        'off has "0" for n, which is integer',
      ],
      [
        'flags that are text in a boolean',
        flags('t', { on: { f: 'true' } }),
        'on has "true" for f, which is boolean',
      ],
      [
        'flags that are numbers in a text',
        flags('u', { on: { t: 1 } }),
        "on has 1 for t, which is text: write '1'",
      ],
      [
        'flags that are NULL where nothing is',
        flags('u', { on: { t: 'x', must: 'y' }, off: { t: 'x', must: null } }),
        'off has NULL for must, which is NOT NULL',
      ],
      ['a constant that is text', constant('n', 'x'), '"x" is text, and n is integer'],
      ['a constant that is a number', constant('t', 5), "5 is a number, and t is text: write '5'"],
      ['a constant of the legacy side', legacyConstant('n', 'x'), '"x" is no number, and n is integer'],
    ])('%s', async (_, field, reason) => {
      const [line, ...others] = await reasons(legacyTable, serviceTable, { owned: [field] });
      expect(line).toMatch(/^[^:]+: /);
      expect(line!.replace(/^[^:]+: /, '')).toBe(reason);
      expect(others).toEqual([]);
    });

    test.each<[string, Field]>([
      ['a split into decimals', split('t', ['d', 'r'], ' ')],
      ['a split into what is not known', split('t', ['u', 'o'], ' ')],
      ['a split of decimals', split('d', ['t', 'u'], '.')],
      [
        'a split of a whole number that is not written back',
        oneWay(split('n', ['t', 'u'], '-'), 'shown only'),
      ],
      [
        'a merge of a whole number that is not written back',
        oneWay(merge(['n', 't'], 'u', ' '), 'shown only'),
      ],
      ['times', utcTime('ts', 'n')],
      ['times of a column for numbers, which SQLite keeps as text there', utcTime('n', 'n')],
      ['times of text', localTime('t', 'n', { zone: 'Europe/Berlin' })],
      ['values', values('t', 'u', state)],
      ['values of whole numbers', values('n', 'n', { 1: 2, '-3': 4 })],
      ['values of a boolean', values('f', 't', { 1: 'yes', 0: 'no' })],
      ['values in a boolean', values('t', 'f', { yes: 1, no: 0 })],
      ['values in decimals', values('t', 'd', { a: '1.50', b: 2 })],
      ['values in a real', values('t', 'r', { a: '0.5', b: 'NaN', c: 3 })],
      [
        'values of a boolean by other names, not written back',
        oneWay(values('f', 't', { true: 'yes' }), 'shown only'),
      ],
      ['flags', flags('t', { on: { n: 1, f: 0, t: 'x' }, off: { n: null, f: 1, t: '' } })],
      ['flags of decimals, as either database shows them', flags('t', { on: { d: '1.50', r: 0.5 } })],
      [
        'flags that are NULL where nothing is, not written back',
        oneWay(flags('u', { on: { must: null } }), 'shown only'),
      ],
      ['constants', constant('t', 'x')],
      ['a constant NULL', constant('n', null)],
      ['a constant of the legacy side as text', legacyConstant('n', '7')],
      ['a constant of the legacy side as a number', legacyConstant('t', 7)],
    ])('but not %s', async (_, field) => {
      expect(await reasons(legacyTable, serviceTable, { owned: [field] })).toEqual([]);
    });

    test('NULL as a constant where a value is demanded', async () => {
      const [from, to] = [
        'id integer PRIMARY KEY, n integer NOT NULL',
        'sale_id bigint PRIMARY KEY, m bigint NOT NULL',
      ];
      const owned = [legacyConstant('n', null), constant('m', null)];
      expect(await reasons(from, to, { owned })).toEqual(['n: n is NOT NULL', 'm: m is NOT NULL']);
      // The service makes no rows then.
      const [line] = await reasons(from, to, { owned, rowsFrom: 'legacy' });
      expect(line).toBe('m: m is NOT NULL');
    });

    test('what is never written back is not held to the way back', async () => {
      const reference = [merge(['n', 't'], 'u', ' ')];
      expect(await reasons(legacyTable, serviceTable, { owned: [], reference })).toEqual([]);
    });
  });

  describe('a key', () => {
    const none = (column: string, name: string) =>
      `${column}: the key in ${name} has no unique index of its own`;
    const notKey = (column: string, name: string) =>
      `${column}: the key in ${name} is neither a whole number nor text`;
    const composite = {
      key: [
        { from: 'number', to: 'number' },
        { from: 'code', to: 'sku' },
      ],
    };

    test.each<KeyCase>([
      ['of whole numbers', 'id integer PRIMARY KEY', 'sale_id bigint PRIMARY KEY', {}],
      ...(dialect === 'sqlite'
        ? []
        : [['of uuid', 'id uuid PRIMARY KEY', 'sale_id uuid PRIMARY KEY', {}] as KeyCase]),
      ['of text', 'id text PRIMARY KEY', 'sale_id varchar(36) PRIMARY KEY', {}],
      [
        'that only another unique index enforces',
        'id bigint NOT NULL UNIQUE, x int PRIMARY KEY',
        'sale_id bigint NOT NULL UNIQUE',
        {},
      ],
      [
        'of several columns, in any order',
        'code text, number integer, PRIMARY KEY (code, number)',
        'number bigint NOT NULL, sku text NOT NULL, UNIQUE (number, sku)',
        composite,
      ],
    ])('%s is accepted', async (_, from, to, declared) => {
      expect(await reasons(from, to, { rowsFrom: 'legacy', ...declared })).toEqual([]);
    });

    test.each<[string, string, string, Partial<TableDeclaration>, string[]]>([
      ...[
        'double precision',
        'boolean',
        'numeric(10, 2)',
        dialect === 'sqlite' ? 'blob' : 'bytea',
        'date',
      ].map((type): [string, string, string, Partial<TableDeclaration>, string[]] => [
        `of ${type}`,
        `id ${type} NOT NULL PRIMARY KEY`,
        `sale_id ${type} NOT NULL PRIMARY KEY`,
        {},
        [notKey('id', 'orders'), notKey('sale_id', 'sales')],
      ]),
      [
        'that may be NULL',
        'id integer UNIQUE',
        'sale_id bigint PRIMARY KEY',
        {},
        ['id: the key in orders may be NULL'],
      ],
      [
        'without an index',
        'id integer NOT NULL',
        'sale_id text, x bigint PRIMARY KEY',
        {},
        [
          none('id', 'orders'),
          'sale_id: the key in sales may be NULL',
          none('sale_id', 'sales'),
          'id -> sale_id: the key is integer in orders and text in sales',
        ],
      ],
      [
        'that is part of an index',
        'id integer NOT NULL, x integer NOT NULL, UNIQUE (id, x)',
        'sale_id bigint PRIMARY KEY',
        {},
        [none('id', 'orders')],
      ],
      [
        'of two columns that are unique only alone',
        'code text PRIMARY KEY, number integer NOT NULL UNIQUE',
        'number bigint, sku text, PRIMARY KEY (number, sku)',
        composite,
        [none('number, code', 'orders')],
      ],
      [
        'that is a number here and text there',
        'id integer PRIMARY KEY',
        'sale_id text NOT NULL PRIMARY KEY',
        {},
        ['id -> sale_id: the key is integer in orders and text in sales'],
      ],
      [
        'that is not there',
        'other integer PRIMARY KEY',
        'sale_id bigint PRIMARY KEY',
        {},
        ['id: orders has no column id; it has other'],
      ],
    ])('%s is refused', async (_, from, to, declared, expected) => {
      expect(await reasons(from, to, { rowsFrom: 'legacy', ...declared })).toEqual(expected);
    });

    test('that is unique under a condition is refused', async () => {
      const columns = 'id integer NOT NULL, x integer';
      await reasons(columns, 'sale_id bigint PRIMARY KEY');
      await legacy.script('CREATE UNIQUE INDEX not_all ON orders (id) WHERE x > 0');
      const owned = { ...table, owned: [] };
      await expect(read(owned)).rejects.toThrow(none('id', 'orders'));
      await legacy.script('CREATE UNIQUE INDEX all_of_them ON orders (id)');
      expect(await read(owned)).toHaveLength(1);
    });
  });
});
