import { describe, expect, test } from 'vitest';
import { convert } from '../mapping/convert.ts';
import { constant, copy, type Field, integer, utcTime, values } from '../mapping/fields.ts';
import { planTable } from '../mapping/plan.ts';
import type { Value } from '../stores/store.ts';

const state = values('status', 'state', { open: 'o', closed: 'c', '1': 7 });

describe('fields', () => {
  test.each<[string, Field, Value, Value]>([
    ['copy keeps text', copy('a'), '👩‍🎤 é', '👩‍🎤 é'],
    ['copy keeps the empty string', copy('a'), '', ''],
    ['copy keeps NULL', copy('a'), null, null],
    ['copy keeps integers beyond 2^53', copy('a'), 9007199254740993n, 9007199254740993n],
    ['copy keeps decimals', copy('a'), 0.1, 0.1],
    ['integer reads text', integer('a'), '-12', -12n],
    ['integer reads whole numbers', integer('a'), 3, 3n],
    ['integer keeps NULL', integer('a'), null, null],
    ['integer keeps 2^63-1 exactly', integer('a'), '9223372036854775807', 9223372036854775807n],
    ['time is UTC', utcTime('a'), '2026-11-20 10:00:00', 1795168800000n],
    ['time before 1970', utcTime('a'), '1969-12-31 23:59:59', -1000n],
    ['time on a leap day', utcTime('a'), '2024-02-29 00:00:00', 1709164800000n],
    ['time with decimals', utcTime('a'), '2026-11-20 10:00:00.5', 1795168800500n],
    ['time keeps NULL', utcTime('a'), null, null],
    ['value table', state, 'open', 'o'],
    ['value table reads numbers as text', state, 1n, 7n],
    ['value table keeps NULL', state, null, null],
    ['constant', constant('b', 'x'), 'whatever', 'x'],
    ['constant numbers are whole', constant('b', 5), null, 5n],
    ['constant NULL', constant('b', null), 'whatever', null],
  ])('%s', (_, field, from, to) => {
    expect(convert(field, from)).toBe(to);
  });

  test.each<[Field, Value, string]>([
    [integer('a'), '', '"" is not a whole number'],
    [integer('a'), 'Y', '"Y" is not a whole number'],
    [integer('a'), 1.5, '1.5 is not a whole number'],
    [integer('a'), new Uint8Array(3), 'a blob of 3 bytes is not a whole number'],
    [utcTime('a'), '', '"" is not a UTC time'],
    [utcTime('a'), '2026-02-30 10:00:00', 'is not a date of the calendar'],
    [utcTime('a'), '2026-11-20 24:00:00', 'is not a date of the calendar'],
    [utcTime('a'), '2026-11-20 10:00:00.1234', 'is not a UTC time'],
    [utcTime('a'), '2026-11-20T10:00:00Z', 'is not a UTC time'],
    [utcTime('a'), 'infinity', '"infinity" is not a UTC time'],
    [utcTime('a'), 5n, '5 is not a UTC time'],
    [state, 'lost', '"lost" is not in the value table'],
    [state, 'toString', '"toString" is not in the value table'],
    [state, '', '"" is not in the value table'],
  ])('%j refuses %s', (field, from, reason) => {
    expect(() => convert(field, from)).toThrow(reason);
  });
});

test('a plan reads each source column once and fills key, owned and reference columns in this order', () => {
  const plan = planTable('shop', {
    from: 'orders',
    to: 'sales',
    key: { from: 'id', to: 'sale_id' },
    writtenBy: 'written_by',
    owned: [copy('note'), copy('note', 'remark'), constant('origin', 'legacy')],
    reference: [copy('id', 'legacy_id'), utcTime('made_at')],
  });
  expect(plan.source.columns).toEqual(['id', 'note', 'made_at']);
  expect(plan.convert([5n, 'x', '2026-11-20 10:00:00'])).toEqual([
    5n,
    'x',
    'x',
    'legacy',
    5n,
    1795168800000n,
  ]);
  expect(() => plan.convert([5n, 'x', 'soon'])).toThrow(
    'shop: row 5 of orders cannot be mapped to made_at: "soon" is not a UTC time',
  );
});
