import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Readable, readRange } from '../feed/range.ts';
import { openStore } from '../stores/open.ts';
import type { Column, Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import {
  compareKeys,
  decodeRow,
  encodeRow,
  keyText,
  type Row,
  sameValue,
  shownKey,
  shownValue,
  type Value,
} from '../stores/value.ts';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';

describe('the same value', () => {
  test.each<[Value, Value]>([
    [null, null],
    ['', ''],
    [1n, 1n],
    [1n, 1],
    [2n ** 53n, 2 ** 53],
    [0, -0],
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [Buffer.from([0, 1]), new Uint8Array([0, 1])],
  ])('%o and %o', (left, right) => {
    expect([sameValue(left, right), sameValue(right, left)]).toEqual([true, true]);
  });

  test.each<[Value, Value]>([
    [null, ''],
    [null, 0n],
    [1n, '1'],
    ['1', '1.0'],
    ['a', 'A'],
    [1n, 1.5],
    // Next to 2^53 a number has no place for the odd ones.
    [2n ** 53n + 1n, 2 ** 53],
    [Buffer.from('a'), 'a'],
    [Buffer.from([0]), Buffer.from([0, 0])],
  ])('not %o and %o', (left, right) => {
    expect([sameValue(left, right), sameValue(right, left)]).toEqual([false, false]);
  });

  test.each<[Value, Value, boolean]>([
    ['12.30', 12.3, true],
    ['12.30', '+012.3', true],
    ['12.00', 12n, true],
    ['-0.00', 0n, true],
    ['.5', '0.50', true],
    ['1e3', 1000n, true],
    ['1.5e-7', 1.5e-7, true],
    ['0.00000015', 1.5e-7, true],
    ['1000000000000000000000', 1e21, true],
    ['NaN', 'NaN', true],
    ['12.30', '12.31', false],
    ['12.30', '-12.30', false],
    ['', '0', false],
    ['NaN', '0', false],
    ['1e999999999', '1e999999998', false],
    ['9007199254740993.0', '9007199254740992', false],
    [null, '0', false],
  ])('as decimals %o and %o: %o', (left, right, same) => {
    expect([sameValue(left, right, true), sameValue(right, left, true)]).toEqual([same, same]);
  });

  test('a decimal stays itself with a sign, zeros around it or its point elsewhere', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
        fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
        fc.nat(20),
        fc.nat(5),
        (units, other, places, zeros) => {
          const written = (value: bigint, more = 0) => {
            const digits = String(value < 0n ? -value : value).padStart(places + 1, '0');
            const point = digits.length - places;
            const text = `${'0'.repeat(more)}${digits.slice(0, point)}.${digits.slice(point)}${'0'.repeat(more)}`;
            return `${value < 0n ? '-' : more > 0 ? '+' : ''}${text}`;
          };
          expect(sameValue(written(units), written(units, zeros), true)).toBe(true);
          expect(sameValue(written(units), `${units}e-${places}`, true)).toBe(true);
          expect(sameValue(written(units), written(other, zeros), true)).toBe(units === other);
        },
      ),
    );
  });
});

const text = fc.oneof(
  // Above the surrogates, where UTF-16 and UTF-8 order differently; and what collations put elsewhere.
  fc.constantFrom(
    '\uffff',
    '😀',
    'a',
    'B',
    'b',
    'Z',
    'ä',
    'é',
    'e',
    'a-b',
    'ab',
    ' a',
    '',
    '10',
    '9',
    '\\',
    "'",
  ),
  fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '')),
);
const whole = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: 2n ** 53n - 5n, max: 2n ** 53n + 5n }),
  fc.bigInt({ min: -20n, max: 20n }),
);

/** A database's own order of a text column is to make no difference. */
const collation = { sqlite: 'NOCASE', postgres: '"en-x-icu"' };

describe.each<Dialect>(['sqlite', 'postgres'])('keys in the order of %s', (dialect) => {
  let database: TestDatabase;
  let store: Store;
  beforeAll(async () => {
    database = await freshDatabase(dialect);
    store = openStore(parseDatabaseUrl(database.url, 'TEST'));
  });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  const kinds: Record<string, { declared: string; type: Column['type']; values: fc.Arbitrary<Value> }> = {
    text: { declared: `text COLLATE ${collation[dialect]}`, type: 'text', values: text },
    whole: { declared: 'bigint', type: 'integer', values: whole },
    ...(dialect === 'sqlite'
      ? {
          anything: {
            declared: '',
            type: 'other' as const,
            values: fc.oneof(
              text,
              whole,
              fc.double({ noNaN: true }).map((value) => (value === 0 ? 0.5 : value)),
              fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
            ),
          },
        }
      : { uuid: { declared: 'uuid', type: 'other' as const, values: fc.uuid() } }),
  };
  const only = Object.keys(kinds).find((name) => name !== 'text' && name !== 'whole')!;

  test.each([[['text']], [['whole']], [['text', 'whole']], [['whole', 'text', 'text']], [[only]]])(
    '%j',
    async (names) => {
      const parts = names.map((name) => kinds[name]!);
      const columns = names.map((_, index) => `k${index}`);
      const table = `keys_${names.join('_')}`;
      await database.script(
        `CREATE TABLE ${table} (${parts.map(({ declared }, index) => `k${index} ${declared}`).join(', ')})`,
      );
      const readable: Readable = { table, key: columns, columns, types: parts.map(({ type }) => type) };
      const keys = fc.uniqueArray(fc.tuple(...parts.map(({ values }) => values)) as fc.Arbitrary<Row>, {
        minLength: 2,
        maxLength: 30,
        comparator: (left, right) => compareKeys(left, right) === 0,
      });
      await fc.assert(
        fc.asyncProperty(keys, fc.nat(), fc.nat(), async (all, from, to) => {
          await database.query(`DELETE FROM ${table}`);
          const marks = `(${columns.map(() => '?').join(', ')})`;
          await database.query(
            `INSERT INTO ${table} VALUES ${all.map(() => marks).join(', ')}`,
            ...all.flat(),
          );
          const expected = [...all].sort(compareKeys);
          const [after, upTo] = [expected[from % all.length]!, expected[to % all.length]!];
          await store.snapshot(async (session) => {
            const read = (range: Parameters<typeof readRange>[3]) =>
              readRange(session, dialect, readable, range);
            expect(await read({ after: undefined })).toEqual(expected);
            expect(await read({ after, upTo })).toEqual(
              expected.filter((key) => compareKeys(key, after) > 0 && compareKeys(key, upTo) <= 0),
            );
            expect(await read({ after, limit: 3 })).toEqual(
              expected.filter((key) => compareKeys(key, after) > 0).slice(0, 3),
            );
          });
        }),
        { numRuns: 40 },
      );
    },
  );
});

test('keys have the same text only where they are the same key', () => {
  const part = fc.oneof(fc.constantFrom<Value>(1n, '1', 's1', 'n1', '{"n":"1"}', '","', ''), whole, text);
  const two = fc
    .integer({ min: 1, max: 3 })
    .chain((length) =>
      fc.tuple(...[0, 1].map(() => fc.array(part, { minLength: length, maxLength: length }))),
    );
  fc.assert(
    fc.property(two, ([left, right]) => {
      const same = left!.every((value, index) => value === right![index]);
      expect(keyText(left!) === keyText(right!)).toBe(same);
    }),
    { numRuns: 2_000 },
  );
});

test('rows come back from JSON as they were', () => {
  const value: fc.Arbitrary<Value> = fc.oneof(
    fc.constant(null),
    fc.string({ unit: 'binary' }),
    fc.bigInt(),
    fc.double().map((real) => (real === 0 ? 0 : real)),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(value), (row) => {
      expect(decodeRow(encodeRow(row))).toEqual(row);
    }),
  );
  // Where rows are remembered by this text, it must not say that values that differ are one.
  const looks = [1n, 1, '1', '{"n":"1"}', null, 'null', Buffer.from('1'), '{"x":"31"}', Number.NaN, 'NaN'];
  expect(new Set(looks.map((one) => encodeRow([one]))).size).toBe(looks.length);
});

test('keys and values are shown so that they can be told apart, and not at any length', () => {
  expect(shownKey(['ALFKI', 7n])).toBe('"ALFKI", 7');
  expect([null, 'NULL', undefined, 1.5, Buffer.alloc(3)].map((value) => shownValue(value))).toEqual([
    'NULL',
    '"NULL"',
    'nothing',
    '1.5',
    'a blob of 3 bytes',
  ]);
  expect(shownValue('x'.repeat(500))).toBe(`"${'x'.repeat(59)}…`);
});
