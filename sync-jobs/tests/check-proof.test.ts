import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { misfit, readLimits } from '../check/limits.ts';
import { proofOf } from '../check/proof.ts';
import { constant, copy, integer, legacyConstant, money, oneWay } from '../mapping/fields.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';

// What is called proven is never measured again, so each type must be within the other as the database has them.

let databases: Record<Dialect, TestDatabase>;
let stores: Record<Dialect, Store>;
beforeAll(async () => {
  databases = { sqlite: await freshDatabase('sqlite'), postgres: await freshDatabase('postgres') };
  const open = (dialect: Dialect) => openStore(parseDatabaseUrl(databases[dialect].url, 'TEST'));
  stores = { sqlite: open('sqlite'), postgres: open('postgres') };
});
afterAll(async () => {
  for (const dialect of ['sqlite', 'postgres'] as const) {
    await stores[dialect].close();
    await databases[dialect].drop();
  }
});

/** The limit of a column of a type, as the database has it. */
async function limitOf(declared: string) {
  const [dialect, type] = declared.startsWith('sqlite ')
    ? (['sqlite', declared.slice(7)] as const)
    : (['postgres', declared] as const);
  await databases[dialect].script(`DROP TABLE IF EXISTS one; CREATE TABLE one (c ${type})`);
  const shape = await stores[dialect].shape('one');
  return stores[dialect].snapshot(
    async (session) => (await readLimits(session, dialect, 'one', shape!)).get('c')!,
  );
}

describe('a copy is proven where every value of one type is one of the other', () => {
  test.each<[string, string, boolean, boolean]>([
    ['integer', 'integer', true, true],
    ['integer', 'bigint', true, false],
    ['smallint', 'integer', true, false],
    ['integer NOT NULL', 'integer', true, false],
    ['integer', 'integer NOT NULL', false, true],
    ['boolean', 'integer', true, false],
    ['text', 'text', true, true],
    ['varchar(10)', 'text', true, false],
    ['varchar(10)', 'varchar(5)', false, true],
    ['text', 'bytea', false, false],
    ['numeric(10,2)', 'numeric', true, false],
    ['numeric(10,2)', 'numeric(12,2)', true, false],
    ['numeric(10,2)', 'numeric(11,4)', false, false],
    ['real', 'double precision', true, false],
    ['timestamp', 'timestamp', true, true],
    ['timestamp', 'timestamp(0)', false, false],
    ['uuid', 'uuid', true, true],
    ['sqlite text', 'text', false, true],
    ['sqlite integer', 'bigint', false, true],
    ['sqlite integer', 'sqlite bigint', true, true],
    ['sqlite text', 'sqlite integer', false, false],
    ['sqlite numeric(10,2)', 'numeric(10,2)', false, false],
  ])('%s to %s', async (from, to, forward, back) => {
    const [source, target] = [await limitOf(from), await limitOf(to)];
    expect(proofOf(copy('c'), [source], [target])).toEqual({ forward, back });
    expect(proofOf(oneWay(copy('c'), 'x'), [source], [target])).toEqual({ forward, back });
  });
});

test('what a conversion makes is proven of whole numbers only, and a constant by itself', async () => {
  const [whole, text, flag, narrow, wide] = [
    await limitOf('integer'),
    await limitOf('text'),
    await limitOf('boolean'),
    await limitOf('varchar(2) NOT NULL'),
    await limitOf('bigint'),
  ];
  expect(proofOf(integer('c'), [whole], [wide])).toEqual({ forward: true, back: false });
  expect(proofOf(integer('c'), [flag], [wide])).toEqual({ forward: true, back: false });
  expect(proofOf(integer('c'), [text], [wide])).toEqual({ forward: false, back: false });
  expect(proofOf(money('c'), [await limitOf('numeric(10,2)')], [wide])).toEqual({
    forward: false,
    back: false,
  });
  expect(proofOf(constant('c', 'ab'), [], [narrow]).forward).toBe(true);
  expect(proofOf(constant('c', 'abc'), [], [narrow]).forward).toBe(false);
  expect(proofOf(constant('c', null), [], [narrow]).forward).toBe(false);
  expect(proofOf(legacyConstant('c', 'ab'), [narrow], []).back).toBe(true);
  expect(proofOf(legacyConstant('c', 7), [narrow], []).back).toBe(false);
});

test('a decimal is held by its digits, however it is written', async () => {
  const values: [string | number | bigint, string | undefined][] = [
    ['99.99', undefined],
    [99n, undefined],
    [-99.99, undefined],
    ['0099.9900', undefined],
    ['.5', undefined],
    ['5.', undefined],
    ['0', undefined],
    ['0e99999', undefined],
    ['9.9e1', undefined],
    ['990e-1', undefined],
    [0.5, undefined],
    ['100', 'out-of-range'],
    [100n, 'out-of-range'],
    [1e21, 'out-of-range'],
    ['1e5', 'out-of-range'],
    ['-1E+5', 'out-of-range'],
    ['0.001e9', 'out-of-range'],
    ['1e400', 'out-of-range'],
    [Number.POSITIVE_INFINITY, 'out-of-range'],
    ['-Infinity', 'out-of-range'],
    ['0.005', 'rounded'],
    [1e-7, 'rounded'],
    ['1e-3', 'rounded'],
    [5e-324, 'rounded'],
    ['1e-3000', 'rounded'],
    ['many', 'wrong-type'],
    ['', 'wrong-type'],
    ['1e', 'wrong-type'],
    ['.', 'wrong-type'],
    ['e5', 'wrong-type'],
  ];
  const [small, any] = [await limitOf('numeric(4,2)'), await limitOf('numeric')];
  for (const [value, kind] of values) {
    expect(misfit(value, small)?.kind, String(value)).toBe(kind);
    expect(misfit(value, any)?.kind, String(value)).toBe(kind === 'wrong-type' ? kind : undefined);
    // What PostgreSQL itself makes of it.
    const store = stores.postgres;
    const kept = await store
      .snapshot((session) =>
        session.query('SELECT (?::text::numeric(4,2) = ?::text::numeric)::int', [
          String(value),
          String(value),
        ]),
      )
      .then(
        ([row]) => row![0] === 1n,
        () => undefined,
      );
    expect(kept === true, String(value)).toBe(kind === undefined);
  }
});
