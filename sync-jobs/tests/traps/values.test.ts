import { afterEach, describe, expect, test } from 'vitest';
import { PoisonRow } from '../../poison/poison.ts';
import { pairs, settled } from '../store-pair.ts';
import { contents, insert, type MirrorPair, openMirror, type TrapTable } from './tables.ts';

const table = (kind: string): TrapTable => ({ name: 'things', columns: { id: 'integer', v: kind } });

let pair: MirrorPair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

const texts = [
  null,
  '',
  ' ',
  'NULL',
  'null',
  '{}',
  '{"a": [1, null]}',
  '{NULL,"x"}',
  '[1,2]',
  'O\'Hara "q" `b` $1 ?',
  '\\',
  '\\x41',
  '\\\\"\\',
  'a\nb\r\nc\td',
  'Zoë',
  'Zoe\u0308',
  '👩‍🎤𝔘𝔫𝔦',
  '\u0001\u007f\u0080\u2028\ufeff',
  'e'.repeat(20_000),
  '12.30',
  '007',
  'true',
  'strangler:1',
];

const cases: Record<string, { kind: string; values: unknown[] }> = {
  texts: { kind: 'text', values: texts },
  'whole numbers': {
    kind: 'integer',
    values: [null, 0n, -1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)],
  },
  reals: {
    kind: 'real',
    values: [null, 0, '-0', 0.1, 0.1 + 0.2, 1e300, -1e-300, 5e-324, 1.7976931348623157e308, 1, 1e15, 2 ** 53],
  },
  blobs: {
    kind: 'bytes',
    values: [
      null,
      Buffer.alloc(0),
      Buffer.from([0]),
      Buffer.from([0, 1, 0]),
      Buffer.from('\\x41'),
      everyByte(),
    ],
  },
  booleans: { kind: 'boolean', values: [null, 0, 1] },
  decimals: { kind: 'decimal', values: [null, '0', '12.30', '-0.01', '100', '123456789.12345', '1e3'] },
};

function everyByte(): Buffer {
  return Buffer.from(Array.from({ length: 256 }, (_, index) => index));
}

describe.each(pairs)('%s to %s', (from, to) => {
  test.each(Object.entries(cases))(
    '%s arrive as they are, copied and followed',
    async (_, { kind, values: given }) => {
      // SQLite has no negative zero to keep.
      const values = to === 'sqlite' ? given.filter((value) => value !== '-0') : given;
      pair = await openMirror([from, to], [table(kind)]);
      const rows = (first: number) => values.map((v, index) => ({ id: first + index, v }));
      await insert(pair.legacy, 'things', ...rows(1));
      await pair.follow();
      await insert(pair.legacy, 'things', ...rows(1001));
      await pair.follow();
      for (const { id, v } of rows(1001)) {
        await pair.legacy.query('UPDATE things SET v = ? WHERE id = ?', v, id - 999);
      }
      await pair.follow();
      expect(await contents(pair.service, table(kind))).toHaveLength(2 * values.length);
    },
  );

  test('NULL and what looks like nothing are told apart when one becomes the other', async () => {
    const empties: TrapTable = { name: 'things', columns: { id: 'integer', t: 'text', b: 'bytes' } };
    pair = await openMirror([from, to], [empties]);
    await insert(pair.legacy, 'things', { id: 1, t: null, b: null }, { id: 2, t: '', b: Buffer.alloc(0) });
    await pair.follow();
    await pair.legacy.query('UPDATE things SET t = ?, b = ? WHERE id = 1', '', Buffer.alloc(0));
    await pair.legacy.query('UPDATE things SET t = NULL, b = NULL WHERE id = 2');
    await pair.follow();
    expect(await contents(pair.service, empties)).toEqual([
      ['1', 'text:', 'blob:'],
      ['2', null, null],
    ]);
  });
});

describe('what the other database cannot hold stops the feed before that row', () => {
  const poisoned = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(PoisonRow);
    return error as PoisonRow;
  };

  test('text with U+0000 goes to SQLite as it is', async () => {
    pair = await openMirror(['sqlite', 'sqlite'], [table('text')]);
    await insert(pair.legacy, 'things', { id: 1, v: 'a\u0000b' });
    await pair.follow();
    await insert(pair.legacy, 'things', { id: 2, v: '\u0000' });
    await pair.follow();
    expect(await contents(pair.service, table('text'))).toEqual([
      ['1', 'text:610062'],
      ['2', 'text:00'],
    ]);
  });

  const foreign: [string, string, string, unknown][] = [
    ['text with U+0000', 'text', 'sqlite', 'a\u0000b'],
    ['a blob in a text column', 'text', 'sqlite', Buffer.from([0x41, 0xff])],
    ['text in a blob column', 'bytes', 'sqlite', '\\x41'],
    ['a number in a blob column', 'bytes', 'sqlite', 41n],
    ['text in a column for whole numbers', 'integer', 'sqlite', '12abc'],
    ['a fraction in a column for whole numbers', 'integer', 'sqlite', 1.5],
    ['2 in a boolean column', 'boolean', 'sqlite', 2n],
    ['not a number', 'real', 'postgres', 'NaN'],
    ['a decimal of thirty digits', 'decimal', 'postgres', '123456789012345678901234567.123'],
    ['a decimal of seventeen digits', 'decimal', 'postgres', '0.12345678901234567'],
  ];
  test.each(foreign)('%s', async (_, kind, from, value) => {
    pair = await openMirror(from === 'sqlite' ? ['sqlite', 'postgres'] : ['postgres', 'sqlite'], [
      table(kind),
    ]);
    await insert(pair.legacy, 'things', { id: 1, v: null }, { id: 2, v: value }, { id: 3, v: null });
    await settled(pair.legacy);
    const copied = await poisoned(pair.drain(pair.feed()));
    expect(copied).toMatchObject({ table: 'things', key: [2n], until: -1n });
    expect(copied.message).toMatch(/row 2 of things/);
    expect(await contents(pair.service, table(kind))).toEqual([]);
    await pair.legacy.query('UPDATE things SET v = NULL');
    await settled(pair.legacy);
    await pair.follow();
    await pair.legacy.query('UPDATE things SET v = ? WHERE id = 3', value);
    expect(await poisoned(pair.drain(pair.feed()))).toMatchObject({ table: 'things', key: [3n] });
    await pair.legacy.query('DELETE FROM things WHERE id = 3');
    await settled(pair.legacy);
    await pair.follow();
  });
});
