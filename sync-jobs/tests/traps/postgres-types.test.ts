import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import type { TestDatabase } from '../databases.ts';
import { type MirrorPair, openMirror, type TrapTable } from './tables.ts';

// Types that a copy between two PostgreSQL databases must carry over exactly, whatever the legacy session's settings.

const samples: Record<string, string[]> = {
  boolean: ['true', 'false'],
  smallint: ['-32768', '32767'],
  integer: ['-2147483648', '2147483647'],
  'numeric(40,12)': ['0', '12.300000000000', '1234567890123456789012345678.123456789012'],
  numeric: [
    '12.30',
    '0.00',
    '123456789012345678901234567890.123456789012345678901234567890',
    'NaN',
    'Infinity',
    '-0.10',
  ],
  real: ['0.1', '3.4028235e+38', '-0', 'NaN'],
  'double precision': ['0.1', '1e300', '-0', 'NaN', '-Infinity', '0.30000000000000004'],
  'character(5)': ['ab', 'abcde', ''],
  'character varying(5)': ['ab  ', 'abcde', ''],
  'bit(8)': ['10101010'],
  'bit varying(8)': ['101', ''],
  date: ['2026-11-21', '0001-01-01', 'infinity', '4713-01-01 BC'],
  'timestamp without time zone': [
    '2026-11-21 10:00:00.123456',
    '2026-02-03 04:05:06',
    'infinity',
    '0044-03-15 12:00:00 BC',
  ],
  'timestamp with time zone': ['2026-11-21 10:00:00.123456+02', '2026-10-25 02:30:00+01', '-infinity'],
  'time without time zone': ['23:59:59.999999'],
  'time with time zone': ['23:59:59.999999+05:30'],
  interval: ['1 year 2 mons 3 days 04:05:06.789', '-1 day', '00:00:00'],
  json: ['{"b": 1,  "a": [null, "x\\"y\\u00e4"]}', '"text"', 'null', '1.10'],
  jsonb: ['{"b": 1, "a": [null, 1.10]}', '[]', 'null'],
  uuid: ['00000000-0000-0000-0000-00000000000a'],
  'integer[]': ['{}', '{1,NULL,3}', '{{1,2},{3,4}}', '[0:1]={5,6}'],
  'text[]': ['{}', '{"a,b","c\\"d","NULL",NULL,""}', '{{a},{b}}'],
  'timestamp with time zone[]': ['{"2026-11-21 10:00:00.123456+02"}'],
  bytea: ['\\x', '\\x00ff00', '\\x5c783431'],
  'bytea[]': ['{"\\\\x00ff","\\\\x"}'],
  mood: ['sad', 'very happy', 'it\'\'s "so"'.replaceAll("''", "'")],
  'mood[]': ['{sad,"very happy"}'],
  positive: ['7'],
  inet: ['192.168.0.1/24'],
  int4range: ['[1,10)', 'empty'],
  point: ['(0.1,-2)'],
  xml: ['<a b="1">&amp;</a>'],
};

const table: TrapTable = {
  name: 'things',
  columns: {
    id: 'integer',
    ...Object.fromEntries(Object.keys(samples).map((type, index) => [`v${index}`, type])),
  },
};

const odd = [
  "SET DateStyle = 'SQL, DMY'",
  "SET TimeZone = 'America/New_York'",
  "SET bytea_output = 'escape'",
  'SET extra_float_digits = -15',
  "SET IntervalStyle = 'sql_standard'",
  "SET xmloption = 'document'",
  "SET lc_monetary = 'C'",
];

let pair: MirrorPair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

/** The type's own output, asked in a session with known settings. */
async function rows(database: TestDatabase): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query("SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET IntervalStyle = 'iso_8601'");
    const texts = Object.keys(table.columns).map((name) => `${name}::text AS ${name}`);
    return (await client.query(`SELECT ${texts.join(', ')} FROM things ORDER BY things.id`)).rows;
  } finally {
    await client.end();
  }
}

async function open(): Promise<MirrorPair> {
  const types: TrapTable = {
    name: 'unused',
    columns: { id: 'integer' },
    more: [
      `CREATE TYPE mood AS ENUM ('sad', 'very happy', 'it''s "so"')`,
      'CREATE DOMAIN positive AS integer CHECK (VALUE > 0)',
    ],
  };
  return openMirror(['postgres', 'postgres'], [types, table]);
}

/** Row n holds the nth sample of each type. */
async function fill(client: pg.Client, first: number): Promise<number> {
  const longest = Math.max(...Object.values(samples).map((list) => list.length));
  const names = Object.keys(table.columns).slice(1);
  for (let row = 0; row < longest; row++) {
    const values = Object.entries(samples).map(([type, list]) => ({ type, text: list[row % list.length]! }));
    await client.query(
      `INSERT INTO things (id, ${names.join(', ')})
       SELECT ${[first + row, ...values.map(({ type }, index) => `$${index + 1}::text::${type}`)].join(', ')}`,
      values.map(({ text }) => text),
    );
  }
  return longest;
}

test.each([
  ['as usual', []],
  ['with odd settings', odd],
])('every type, written by a session %s, is copied and followed exactly', async (_, settings) => {
  pair = await open();
  const writer = new pg.Client({ connectionString: pair.legacy.url });
  await writer.connect();
  try {
    for (const setting of settings) await writer.query(setting);
    const count = await fill(writer, 1);
    await pair.drain(pair.feed());
    expect(await rows(pair.service)).toEqual(await rows(pair.legacy));
    await fill(writer, 101);
    await pair.drain(pair.feed());
    expect(await rows(pair.service)).toEqual(await rows(pair.legacy));
    const names = Object.keys(table.columns).slice(1);
    await writer.query(
      `UPDATE things t SET ${names.map((name) => `${name} = o.${name}`).join(', ')}
       FROM things o WHERE o.id = 100 + (t.id % ${count}) + 1 AND t.id < 100`,
    );
    await writer.query('INSERT INTO things (id) VALUES (999)');
    await pair.drain(pair.feed());
    expect(await rows(pair.service)).toEqual(await rows(pair.legacy));
    expect(await rows(pair.service)).toHaveLength(2 * count + 1);
  } finally {
    await writer.end();
  }
});

test('settings that stand in the database itself do not change what is read from it', async () => {
  pair = await open();
  const name = new URL(pair.legacy.url).pathname.slice(1);
  for (const setting of odd) {
    await pair.legacy.script(`ALTER DATABASE ${name} ${setting}`);
    await pair.service.script(`ALTER DATABASE ${new URL(pair.service.url).pathname.slice(1)} ${setting}`);
  }
  const writer = new pg.Client({ connectionString: pair.legacy.url });
  await writer.connect();
  try {
    await fill(writer, 1);
    await pair.drain(pair.feed());
    await fill(writer, 101);
    await pair.drain(pair.feed());
    expect(await rows(pair.service)).toEqual(await rows(pair.legacy));
  } finally {
    await writer.end();
  }
});

test('blanks that pad a character column arrive alike, copied and followed', async () => {
  const padded: TrapTable = {
    name: 'padded',
    columns: { id: 'integer', v: 'character(5)', k: 'character(3) NOT NULL' },
  };
  const plain: TrapTable = { ...padded, columns: { id: 'integer', v: 'text', k: 'text NOT NULL' } };
  pair = await openMirror(['postgres', 'postgres'], [padded], { targets: [plain] });
  await pair.legacy.query("INSERT INTO padded VALUES (1, 'ab', 'x'), (2, '', 'y')");
  await pair.drain(pair.feed());
  const copied = await pair.service.query('SELECT v, k FROM padded ORDER BY id');
  await pair.legacy.query("INSERT INTO padded VALUES (3, 'ab', 'x'), (4, '', 'y')");
  await pair.drain(pair.feed());
  expect(await pair.service.query('SELECT v, k FROM padded WHERE id > 2 ORDER BY id')).toEqual(copied);
});
