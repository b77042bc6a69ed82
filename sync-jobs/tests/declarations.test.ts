import path from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { buildSyncJobs } from '../app.ts';
import { loadGroups } from '../groups-folder.ts';
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
  pair,
  split,
  utcTime,
  values,
} from '../mapping/fields.ts';
import type { GroupDeclaration, TableDeclaration } from '../mapping/group.ts';
import { reportProgress } from '../progress/reporter.ts';
import { readSettings } from '../settings.ts';

const log = pino({ level: 'silent' });

function refusalOf(declarations: GroupDeclaration[]): string[] {
  try {
    buildSyncJobs({
      groups: declarations,
      openStore: () => {
        throw new Error('a refused declaration opens nothing');
      },
      settings: readSettings({}, []),
      log,
      progress: reportProgress(log),
    });
  } catch (error) {
    expect(error).toMatchObject({ code: 'declaration_refused', exitCode: 2 });
    return (error as Error).message
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  throw new Error('nothing was refused');
}

const table: TableDeclaration = {
  from: 'orders',
  to: 'sales',
  key: { from: 'id', to: 'sale_id' },
  writtenBy: 'written_by',
  owned: [copy('note')],
};

/** Without a table, so that a group whose tables are sound is refused as well, with this reason last. */
const last: GroupDeclaration = { name: 'last', tables: [] };
const end = 'last: it declares no table';

/** Why a table is refused. */
function faultsOf(different: Partial<TableDeclaration>): string[] {
  const lines = refusalOf([{ name: 'shop', tables: [{ ...table, ...different }] }, last]);
  expect(lines).toContain(end);
  return lines.filter((line) => line !== end).map((line) => line.replace('shop: orders -> sales: ', ''));
}

const fieldFaults = (...owned: Field[]) => faultsOf({ owned });

test('all reasons come at once, each naming group, table and field', () => {
  const wrong: GroupDeclaration = {
    name: 'Shop',
    tables: [
      {
        ...table,
        owned: [
          copy('note'),
          copy('other', 'note'),
          copy('number', 'sale_id'),
          copy('who', 'written_by'),
          values('status', 'state', { a: 'x', b: 'x' }),
          values('kind', 'kind', {}),
          constant('ratio', 0.5),
        ],
      },
      { ...table, from: 'more' },
    ],
  };
  expect(refusalOf([wrong, { name: 'empty', tables: [] }, { name: 'empty', tables: [] }])).toEqual([
    'Shop: a group name is lower-case letters, digits and dashes',
    'Shop: more -> sales: sales is filled from orders already',
    'empty: it declares no table',
    'empty: there are two groups of this name',
    'empty: it declares no table',
    'Shop: orders -> sales: note: two fields fill it; it is that of note already',
    'Shop: orders -> sales: sale_id: two fields fill it; it is the key already',
    'Shop: orders -> sales: written_by: two fields fill it; it is the column that says who wrote the row already',
    'Shop: orders -> sales: status -> state: its value table is not one-to-one: a and b both become "x"',
    'Shop: orders -> sales: kind: its value table is empty',
    'Shop: orders -> sales: ratio: 0.5 is not a whole number below 2^53',
  ]);
});

test("TicketNow's own declarations are sound", async () => {
  const groups = await loadGroups(path.join(import.meta.dirname, '..', 'groups'));
  expect(groups.map(({ name }) => name)).toEqual(['booking', 'inventory', 'profile']);
  expect(refusalOf([...groups, last])).toEqual([end]);
});

describe('keys', () => {
  test('a table has one, and it is not what says who wrote the row', () => {
    expect(faultsOf({ key: [] })).toEqual(['it has no key']);
    expect(faultsOf({ writtenBy: 'sale_id' })).toEqual([
      'sale_id: the key cannot say who wrote the row as well',
    ]);
  });

  test('every column of a composite key is the key', () => {
    const key = [
      { from: 'id', to: 'sale_id' },
      { from: 'code', to: 'sku' },
    ];
    expect(faultsOf({ key })).toEqual([]);
    expect(faultsOf({ key, owned: [copy('x', 'sku'), copy('code', 'y')] })).toEqual([
      'sku: two fields fill it; it is the key already',
      'code: two fields would write it back; it is the key already. Make one of them oneWay(…)',
    ]);
  });
});

describe('what is written back', () => {
  const twice = (column: string, owner: string) =>
    `${column}: two fields would write it back; it is ${owner} already. Make one of them oneWay(…)`;

  test('two fields do not write one legacy column, unless one of them goes one way', () => {
    const remark = copy('note', 'remark');
    expect(fieldFaults(copy('note'), remark)).toEqual([twice('note', 'that of note')]);
    expect(fieldFaults(copy('note'), oneWay(remark, 'a second copy'))).toEqual([]);
    expect(fieldFaults(oneWay(copy('note'), 'a second copy'), remark)).toEqual([]);
    expect(fieldFaults(legacyConstant('note', 'x'), remark)).toEqual([twice('note', 'a constant')]);
    expect(fieldFaults(merge(['note', 'town'], 'both', ', '), integer('town', 'size'))).toEqual([
      twice('town', 'that of note+town -> both'),
    ]);
    expect(fieldFaults(copy('id', 'legacy_id'))).toEqual([twice('id', 'the key')]);
    expect(faultsOf({ absentWhenSet: 'gone_at', owned: [utcTime('gone_at')] })).toEqual([
      twice('gone_at', 'the column that says it is absent'),
    ]);
  });

  test('a field that goes one way says why, and is sound itself', () => {
    expect(fieldFaults(oneWay(copy('note'), '  '))).toEqual([
      'note: a field that is not written back says why',
    ]);
    expect(fieldFaults(oneWay(money('price', 'cents', { decimals: 99 }), 'computed'))).toEqual([
      'price -> cents: the number of decimals is 0 to 18',
    ]);
    const nothing =
      'kind: a legacyConstant that is not written back says and does nothing: take it out, or take oneWay away';
    expect(fieldFaults(oneWay(legacyConstant('kind', 1), 'never seen'))).toEqual([nothing]);
    expect(fieldFaults(oneWay(oneWay(legacyConstant('kind', 1), 'never'), 'seen'))).toEqual([nothing]);
    expect(fieldFaults(oneWay(constant('kind', 1), 'it goes one way anyway'))).toEqual([]);
  });

  test('digits of a time are cut off only where the time does not come back', () => {
    const reason = (call: string) =>
      `made_at: finer: 'cut' drops digits that do not come back. Write oneWay(${call}(…), 'why that loses nothing'), ` +
      "or precision: 'microseconds', which loses nothing and has the service count microseconds";
    const cut = { finer: 'cut' } as const;
    const local = localTime('made_at', 'made_at', { zone: 'Europe/Berlin', ...cut });
    expect(fieldFaults(utcTime('made_at', 'made_at', cut))).toEqual([reason('utcTime')]);
    expect(fieldFaults(local)).toEqual([reason('localTime')]);
    expect(fieldFaults(oneWay(utcTime('made_at', 'made_at', cut), 'shown only'))).toEqual([]);
    expect(fieldFaults(oneWay(local, 'shown only'))).toEqual([]);
    expect(fieldFaults(utcTime('made_at', 'made_at', { precision: 'microseconds' }))).toEqual([]);
    // A reference never comes back.
    expect(faultsOf({ reference: [utcTime('made_at', 'made_at', cut)] })).toEqual([]);
  });

  test('references are not written back, and may repeat what an owned field or the key reads', () => {
    expect(faultsOf({ reference: [copy('note', 'seen'), copy('id', 'legacy_id')] })).toEqual([]);
    const reason = 'a reference is never written back: it needs neither legacyConstant nor oneWay';
    expect(
      faultsOf({ reference: [oneWay(copy('title'), 'the catalogue'), legacyConstant('kind', 1)] }),
    ).toEqual([`title: ${reason}`, `kind: ${reason}`]);
  });
});

describe('fields', () => {
  test.each<[string, Field, string[]]>([
    ['values', values('a', 'x', { o: 'open', c: 'closed' }, { back: { sending: 'o' } }), []],
    [
      'values that are one in a column, a number and its text',
      values('a', 'x', { o: 7, c: '7' }),
      ['its value table is not one-to-one: o and c both become "7"'],
    ],
    ['values of fractions', values('a', 'x', { o: 1.5 }), ['1.5 is not a whole number below 2^53']],
    [
      'back to what is not listed',
      values('a', 'x', { o: 'open' }, { back: { sending: 'sent' } }),
      ['back says sending is sent in the legacy table, which is not in the value table'],
    ],
    [
      'back to what every object has',
      values('a', 'x', { o: 'open' }, { back: { sending: 'toString' } }),
      ['back says sending is toString in the legacy table, which is not in the value table'],
    ],
    [
      'back of what the table has already',
      values('a', 'x', { o: 1, c: 'closed' }, { back: { 1: 'c' } }),
      ['back lists 1, which the value table has already'],
    ],
    ['flags', flags('x', { open: { p: 0, s: null }, paid: { p: 1, s: null }, odd: { p: 1, s: 'x' } }), []],
    ['flags of no state', flags('x', {}), ['it lists no state']],
    [
      'flags that lack a column',
      flags('x', { open: { p: 0, s: 0 }, paid: { p: 1 } }),
      ['paid has to give a value for each of p, s'],
    ],
    [
      'flags with a column of their own',
      flags('x', { open: { p: 0 }, paid: { p: 1, s: 0 } }),
      ['paid has to give a value for each of p'],
    ],
    [
      'flags that say the same',
      flags('x', { open: { p: 0, s: 0 }, paid: { p: 1, s: 0 }, due: { s: 0, p: 0 } }),
      ['open and due are the same combination'],
    ],
    ['money of 18 decimals', money('a', 'x', { decimals: 18 }), []],
    ['money of none', money('a', 'x', { decimals: 0 }), []],
    ...[-1, 19, 1.5, Number.NaN].map((decimals): [string, Field, string[]] => [
      `money of ${decimals} decimals`,
      money('a', 'x', { decimals }),
      ['the number of decimals is 0 to 18'],
    ]),
    ['a time zone', localTime('a', 'x', { zone: 'Europe/Berlin' }), []],
    [
      'no time zone',
      localTime('a', 'x', { zone: 'Europe/Atlantis' }),
      ['Europe/Atlantis is not a time zone; one is Europe/Berlin'],
    ],
    [
      'a precision that is none',
      utcTime('a', 'x', { precision: 'minutes' as never }),
      ["precision is 'seconds', 'milliseconds' or 'microseconds'"],
    ],
    [
      'digits neither refused nor cut',
      localTime('a', 'x', { zone: 'Europe/Berlin', finer: 'rounded' as never }),
      ["finer is 'refused' or 'cut'"],
    ],
    ['a split', split('a', ['x', 'y'], ' '), []],
    ['a split at nothing', split('a', ['x', 'y'], ''), ['the separator is empty']],
    ['a merge by nothing', merge(['a', 'b'], 'x', ''), ['the separator is empty']],
    ['a constant', constant('x', 2 ** 53 - 1), []],
    ['a constant beyond 2^53', constant('x', 2 ** 53), ['9007199254740992 is not a whole number below 2^53']],
    ['a legacy constant of a fraction', legacyConstant('a', 0.5), ['0.5 is not a whole number below 2^53']],
    ['a pair', pair({ from: ['a'], to: ['x'], toService: (row) => row, toLegacy: (row) => row }), []],
  ])('%s', (_, field, reasons) => {
    expect(fieldFaults(field).map((line) => line.replace(/^[^:]+: /, ''))).toEqual(reasons);
  });
});
