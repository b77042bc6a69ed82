import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  constant,
  copy,
  type Field,
  flags,
  integer,
  legacyColumns,
  localTime,
  merge,
  money,
  oneWay,
  pair,
  serviceColumns,
  split,
  utcTime,
  values,
} from '../mapping/fields.ts';
import { fieldInSql } from '../mapping/in-sql/in-sql.ts';
import { twoWay } from '../mapping/two-way.ts';
import { openStore } from '../stores/open.ts';
import { quoted } from '../stores/sql.ts';
import type { Store, TableShape } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { type Row, shownValue, type Value } from '../stores/value.ts';
import { freshDatabase, type TestDatabase } from './databases.ts';

// A mapping said in SQL may leave rows to its functions, but must never say something else than they do. Every field is
// put to a table of odd values, and each row for which the SQL says that it holds is compared.

const times = [
  ...['2026-11-20 10:00:00', '2026-11-20T10:00:00', '2024-02-29 23:59:59', '2026-02-29 00:00:00'],
  ...['2026-11-20 10:00:00.5', '2026-11-20 10:00:00.123', '2026-11-20 10:00:00.1239', '2026-11-20 10:00:60'],
  ...['2026-11-20 24:00:00', '2026-11-31 10:00:00', '0000-03-01 00:00:00', '0099-01-01 00:00:00'],
  ...['9999-12-31 23:59:59.999', '10000-01-01 00:00:00', '-4713-11-25 00:00:00', '2026-11-20', '10:00:00'],
  ...['2026-11-20 10:00:00Z', '2026-11-20 10:00:00+01:00', ' 2026-11-20 10:00:00', '2026-11-20 10:00:00 '],
  ...[
    '1969-12-31 23:59:59.999999',
    '1969-12-31 23:59:59.998001',
    '1969-12-31T23:59:59.5',
    '1900-02-28 00:00:00.0009',
  ],
  ...[
    '2026-11-20 10:00:00.123999',
    '2026-11-20 10:00:00.1234567',
    '2026-11-20 10:00:00.9999999',
    '0099-01-01 00:00:00.1',
  ],
  ...[
    '2026-11-20 10:00:00.',
    '2026-11-20 10:00:00,5',
    '2026-11-20 10:00:00.12\u00003',
    '2026-11-20 10:00:00\u0000.5',
  ],
  ...[
    '2026-11-20 10:00:00.5Z',
    '2026-11-20 10:00:00.1٣',
    '2026-11-20 10:00:00 5',
    '2026-11-20 10:00:00.123 ',
  ],
  ...[
    '9999-12-31 23:59:59.999999',
    '2026-11-20 10:00:00.000001',
    '2026-11-20 10:00:0',
    '2026-11-20 10:00:00.5e1',
  ],
  ...['2026-11-20  10:00:00', 'T2026-11-20 10:00:00', '2026-13-01 00:00:00', '2026-00-10 00:00:00', 'now'],
];
const numbers = [
  ...['0', '1', '7', '-7', '+5', '007', '12.3', '12.30', '12.345', '-0.5', '.5', '5.', '1e3', ' 5', '5 '],
  ...['9223372036854775807', '9223372036854775808', '-9223372036854775808', '123456789012345678', '0.1'],
  ...['99999999999999999999999.99', 'NaN', 'Infinity', '-0', '90071992547409.93', '٣'],
];
const words = [
  ...['', ' ', 'open', 'OPEN', 'open ', 'closed', 'o\u0000pen', 'Ada Lovelace', 'Ada  Lovelace', ' Lovelace'],
  ...['Ada ', 'a--b', 'a-', '-', '--', '---', 'a---b', "it's", 'a\\b', '😀 😀', 'ß', '%', '?', 'void', 'é'],
];
const random = fc
  .sample(fc.date({ min: new Date(-6e13), max: new Date(2.5e14), noInvalidDate: true }), {
    numRuns: 100,
    seed: 1,
  })
  .map((date) => date.toISOString().slice(0, 23).replace('T', ' '));
const fine = random.map((text, index) => `${text}${String(index * 10_007).slice(0, 1 + (index % 4))}`);
const texts = [...times, ...numbers, ...words, ...random, ...fine];
const whole = [0n, 1n, 2n, 7n, -7n, 1n << 53n, (1n << 63n) - 1n, -(1n << 63n), 90_000_000_000_000_001n];
const real = [
  ...[
    0.1,
    -0.1,
    12.3,
    12.345,
    0.005,
    1e15,
    1e300,
    -1e-300,
    5e-324,
    2 ** 60,
    999_999_999.99,
    1e9 + 0.01,
    -0,
    4,
  ],
  ...[Number.POSITIVE_INFINITY, 33.333333333333336, 1.005],
  ...fc.sample(fc.double({ noNaN: true }), { numRuns: 100, seed: 2 }),
  ...fc.sample(fc.integer({ min: -1e9, max: 1e9 }), { numRuns: 100, seed: 3 }).map((cents) => cents / 100),
];

/** Fields over a column, whatever it holds. */
const over = (column: string): Field[] => [
  copy(column, 'same'),
  copy(column, 'text'),
  copy(column, 'amount'),
  copy(column, 'number'),
  integer(column, 'number'),
  utcTime(column, 'number'),
  utcTime(column, 'number', { precision: 'milliseconds' }),
  utcTime(column, 'number', { precision: 'microseconds' }),
  oneWay(utcTime(column, 'number', { finer: 'cut' }), 'the service needs no more'),
  oneWay(utcTime(column, 'number', { precision: 'microseconds', finer: 'cut' }), 'nor more than that'),
  money(column, 'number'),
  money(column, 'number', { decimals: 0 }),
  money(column, 'number', { decimals: 3 }),
  values(column, 'text', {
    open: 'o',
    closed: 'c',
    '1': 'one',
    '-7': "it's",
    '': 'empty',
  }),
  values(column, 'number', { open: 1, '7': 2.5, '12.3': 3 }),
  split(column, ['text', 'second'], ' '),
  split(column, ['text', 'second'], '--'),
  oneWay(split(column, ['text', 'second'], '😀'), 'shown only'),
  flags('text', {
    paid: { [column]: 1 },
    open: { [column]: 'open' },
    none: { [column]: null },
    real: { [column]: 0.1 },
  }),
];
const pairs = (first: string, second: string): Field[] => [
  merge([first, second], 'text', ' '),
  merge([first, second], 'text', '--'),
  merge([first, second], 'text', 'aba'),
  flags('text', {
    a: { [first]: 'open', [second]: 1 },
    b: { [first]: null, [second]: 0 },
    c: { [first]: '1', [second]: null },
  }),
];

interface Compared {
  held: number;
  of: number;
}

/** Every row for which the SQL holds is what the functions make of it. */
async function compare(
  store: Store,
  shape: TableShape,
  target: TableShape,
  field: Field,
): Promise<Compared | undefined> {
  const columns = {
    legacy: (name: string) => shape.columns.get(name)!,
    service: (name: string) => {
      const column = target.columns.get(name === 'same' ? 'same' : name)!;
      return name === 'same' ? { ...columns.legacy(legacyColumns(field)[0]!), name } : column;
    },
  };
  const sql = fieldInSql(field, columns, store.dialect);
  if (sql === undefined) return undefined;
  const from = legacyColumns(field);
  const holds = sql.holds.map((condition) => `(${condition})`).join(' AND ') || '1 = 1';
  const read = (what: string, where: string) =>
    store.snapshot((session) => session.query(`SELECT id, ${what} FROM odd WHERE ${where} ORDER BY id`));
  const rows = await read(['id', ...from.map(quoted)].join(', '), '1 = 1');
  const held = await read(sql.values.join(', '), holds);
  const { toService } = twoWay(field, shape);
  const byId = new Map(rows.map((row) => [row[0], row.slice(2)]));
  for (const [id, ...made] of held) {
    const row = byId.get(id!)!;
    const at = `${field.kind} of ${row.map(shownValue).join(' and ')}`;
    expect(plain(made, store), at).toEqual(plain(toService(row), store));
  }
  return { held: held.length, of: rows.length };
}

/** PostgreSQL's values leave as text, as COPY makes it; SQLite's are of their own type. */
function plain(row: Row, { dialect }: Store): unknown[] {
  return row.map((value: Value) => {
    if (value === null || value instanceof Uint8Array) return value;
    if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value);
    return dialect === 'postgres' ? String(value) : value;
  });
}

let database: TestDatabase;
let store: Store;
const shapes: { odd: TableShape; made: TableShape } = {} as never;

async function open(dialect: 'sqlite' | 'postgres', odd: string, made: string): Promise<void> {
  database = await freshDatabase(dialect);
  await database.script(`CREATE TABLE odd (id integer PRIMARY KEY, ${odd}); CREATE TABLE made (${made})`);
  store = openStore(parseDatabaseUrl(database.url, 'TEST'));
}

async function readShapes(): Promise<void> {
  shapes.odd = (await store.shape('odd'))!;
  shapes.made = (await store.shape('made'))!;
}

async function close(): Promise<void> {
  await store.close();
  await database.drop();
}

describe('SQLite', () => {
  const columns = ['t', 'n', 'r', 'd', 'b', 'x'];
  beforeAll(async () => {
    await open(
      'sqlite',
      't TEXT, n INTEGER, r REAL, d DECIMAL(10, 2), b BLOB, x, y',
      'text TEXT, second TEXT, amount DECIMAL, number INTEGER, same',
    );
    const all: unknown[] = [
      null,
      ...texts,
      ...whole,
      ...real,
      Buffer.from('open'),
      Buffer.from('Ada Lovelace'),
    ];
    await database.transaction(async (query) => {
      let id = 0;
      for (const value of all) {
        await query(
          'INSERT INTO odd VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          ++id,
          value,
          value,
          value,
          value,
          value,
          value,
          1n,
        );
      }
      const few = [null, '', 'a', 'a-', '-', 'a b', 'ab', 'aba', 'open', '1', 1n, 0n, 'a\u0000 b', '--b'];
      for (const first of few)
        for (const second of few) {
          await query('INSERT INTO odd (id, t, x, y) VALUES (?, ?, ?, ?)', ++id, first, first, second);
        }
    });
    await readShapes();
  });
  afterAll(close);

  test.each(columns)('column %s', async (column) => {
    const both = ['t', 'x'].includes(column) ? pairs(column, 'y') : [];
    for (const field of [...over(column), ...both]) await compare(store, shapes.odd, shapes.made, field);
  });

  test('what is plain is said in SQL', async () => {
    const plainly = async (field: Field) => (await compare(store, shapes.odd, shapes.made, field))!.held;
    expect(await plainly(utcTime('t', 'number'))).toBeGreaterThanOrEqual(100);
    const cut = oneWay(utcTime('t', 'number', { finer: 'cut' }), 'shown only');
    expect(await plainly(cut)).toBeGreaterThanOrEqual(200);
    expect(await plainly(utcTime('t', 'number', { precision: 'microseconds' }))).toBeGreaterThanOrEqual(170);
    expect(await plainly(money('r', 'number'))).toBeGreaterThanOrEqual(100);
    expect(await plainly(integer('n', 'number'))).toBeGreaterThanOrEqual(whole.length);
    expect(await plainly(values('t', 'text', { open: 'o', closed: 'c' }))).toBeGreaterThanOrEqual(2);
    expect(await plainly(split('t', ['text', 'second'], ' '))).toBeGreaterThanOrEqual(texts.length - 1);
    expect(await plainly(merge(['t', 'y'], 'text', ' '))).toBeGreaterThanOrEqual(50);
    expect(await plainly(constant('text', "it's"))).toBeGreaterThanOrEqual(1);
  });

  test('a pair of functions, a local time and what holds U+0000 are not', () => {
    const columns = { legacy: () => undefined as never, service: () => undefined as never };
    const identity = { from: ['t'], to: ['text'], toService: (row: Row) => row, toLegacy: (row: Row) => row };
    expect(fieldInSql(pair(identity), columns, 'sqlite')).toBeUndefined();
    expect(
      fieldInSql(localTime('t', 'number', { zone: 'Europe/Berlin' }), columns, 'sqlite'),
    ).toBeUndefined();
    expect(fieldInSql(pair(identity), columns, 'postgres')).toBeUndefined();
    expect(fieldInSql(values('t', 'text', { 'o\u0000pen': 'o' }), columns, 'sqlite')).toBeUndefined();
  });
});

describe('PostgreSQL', () => {
  /** Values of each column, as text; those that its type refuses are left out. */
  const columns: Record<string, { type: string; of: string[] }> = {
    t: { type: 'text', of: texts },
    // Without one whose cast would fail, and leave them all to the functions.
    good: {
      type: 'text',
      of: [...random, ...fine, '1969-12-31 23:59:59.998001', '2026-11-20T10:00:00.9999999'],
    },
    v: { type: 'varchar(60)', of: texts },
    c: { type: 'char(24)', of: texts },
    n: { type: 'bigint', of: [...numbers, ...whole.map(String)] },
    s: { type: 'smallint', of: numbers },
    d: { type: 'numeric', of: [...numbers, ...real.map(String)] },
    m: { type: 'numeric(10, 2)', of: [...numbers, ...real.map(String)] },
    r: { type: 'double precision', of: [...numbers, ...real.map(String)] },
    f: { type: 'boolean', of: ['true', 'false'] },
    ts: {
      type: 'timestamp',
      of: [
        ...times,
        ...fine,
        'infinity',
        '-infinity',
        '0044-03-15 10:00:00 BC',
        '2026-11-20 10:00:00.123456',
        '20000-01-01',
      ],
    },
    tz: { type: 'timestamptz', of: times },
    day: { type: 'date', of: times },
    e: { type: 'state', of: ['open', 'closed'] },
    u: { type: 'uuid', of: ['5f0c7c3e-0d6c-4c35-9d0f-000000000001'] },
    b: { type: 'bytea', of: ['open', '\\x00ff'] },
  };
  beforeAll(async () => {
    const declared = Object.entries(columns).map(([name, { type }]) => `${name} ${type}`);
    database = await freshDatabase('postgres');
    await database.script(`CREATE TYPE state AS ENUM ('open', 'closed');
      CREATE TABLE odd (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, ${declared.join(', ')}, y text);
      CREATE TABLE made (text text, second text, amount numeric, number bigint)`);
    store = openStore(parseDatabaseUrl(database.url, 'TEST'));
    await database.query('INSERT INTO odd (y) VALUES (NULL)');
    for (const [name, { type, of }] of Object.entries(columns)) {
      await database.query(
        `INSERT INTO odd (${name}) SELECT CASE WHEN pg_input_is_valid(one, ?) THEN one::${type} END
         FROM unnest(string_to_array(?, '|')) AS one`,
        type,
        of.filter((text) => !text.includes('\0')).join('|'),
      );
    }
    const few = [null, '', 'a', 'a-', '-', 'a b', 'ab', 'aba', 'open', '1', '--b'];
    for (const first of few) {
      for (const second of few) await database.query('INSERT INTO odd (t, y) VALUES (?, ?)', first, second);
    }
    await readShapes();
  });
  afterAll(close);

  test.each(Object.keys(columns))('column %s', async (column) => {
    const both = ['t', 'v'].includes(column) ? pairs(column, 'y') : [];
    for (const field of [...over(column), ...both]) {
      await compare(store, shapes.odd, shapes.made, field).catch((error: { code?: string }) => {
        // A cast that fails is an answer, too: the rows are taken one by one then.
        if (error.code !== 'row_rejected') throw error;
      });
    }
  });

  test('what is plain is said in SQL', async () => {
    const plainly = async (field: Field) => (await compare(store, shapes.odd, shapes.made, field))!.held;
    expect(await plainly(utcTime('ts', 'number'))).toBeGreaterThanOrEqual(8);
    const cut = oneWay(utcTime('ts', 'number', { finer: 'cut' }), 'shown only');
    expect(await plainly(cut)).toBeGreaterThanOrEqual(100);
    expect(await plainly(utcTime('ts', 'number', { precision: 'microseconds' }))).toBeGreaterThanOrEqual(100);
    expect(await plainly(oneWay(utcTime('good', 'number', { finer: 'cut' }), 'x'))).toBeGreaterThan(150);
    expect(await plainly(utcTime('good', 'number', { precision: 'microseconds' }))).toBeGreaterThan(150);
    expect(await plainly(money('m', 'number'))).toBeGreaterThanOrEqual(100);
    expect(await plainly(integer('n', 'number'))).toBeGreaterThanOrEqual(whole.length);
    expect(await plainly(values('e', 'text', { open: 'o', closed: 'c' }))).toBeGreaterThanOrEqual(2);
    expect(await plainly(values('f', 'number', { '1': 1, '0': 0 }))).toBeGreaterThanOrEqual(2);
    expect(await plainly(split('t', ['text', 'second'], ' '))).toBeGreaterThanOrEqual(texts.length - 1);
    expect(await plainly(merge(['t', 'y'], 'text', ' '))).toBeGreaterThanOrEqual(50);
    expect(serviceColumns(constant('text', 'x'))).toEqual(['text']);
  });
});
