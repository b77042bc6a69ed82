import { describe, expect, test } from 'vitest';
import {
  constant,
  copy,
  type Field,
  integer,
  legacyConstant,
  merge,
  money,
  oneWay,
  split,
  utcTime,
  values,
} from '../mapping/fields.ts';
import type { Row, Value } from '../stores/value.ts';
import { back, cut, microseconds, milliseconds, name, paid, run, state, there } from './sample-fields.ts';

const address = merge(['a', 'b'], 'address', ', ');

describe('to the service', () => {
  test.each<[string, Field, Value, Value]>([
    ['copy keeps text', copy('a'), '👩‍🎤 é', '👩‍🎤 é'],
    ['copy keeps the empty string', copy('a'), '', ''],
    ['copy keeps NULL', copy('a'), null, null],
    ['copy keeps integers beyond 2^53', copy('a'), 9007199254740993n, 9007199254740993n],
    ['copy keeps decimals', copy('a'), 0.1, 0.1],
    ['integer reads text', integer('a'), '-12', -12n],
    ['integer reads a plus sign', integer('a'), '+12', 12n],
    ['integer reads whole numbers', integer('a'), 3, 3n],
    ['integer keeps NULL', integer('a'), null, null],
    ['integer keeps 2^63-1 exactly', integer('a'), '9223372036854775807', 9223372036854775807n],
    ['time is UTC', utcTime('a'), '2026-11-20 10:00:00', 1795168800000n],
    ['time with a T', utcTime('a'), '2026-11-20T10:00:00', 1795168800000n],
    ['time before 1970', utcTime('a'), '1969-12-31 23:59:59', -1000n],
    ['time on a leap day', utcTime('a'), '2024-02-29 00:00:00', 1709164800000n],
    ['time with decimals', utcTime('a'), '2026-11-20 10:00:00.5', 1795168800500n],
    ['time keeps NULL', utcTime('a'), null, null],
    ['time cut to milliseconds', utcTime('a', 'a', cut), '2026-11-20 10:00:00.123999', 1795168800123n],
    ['time before 1970 cut towards the past', utcTime('a', 'a', cut), '1969-12-31 23:59:59.999999', -1n],
    ['time before 1970, just above a millisecond', utcTime('a', 'a', cut), '1969-12-31 23:59:59.998001', -2n],
    [
      'time in microseconds',
      utcTime('a', 'a', microseconds),
      '2026-11-20 10:00:00.123456',
      1795168800123456n,
    ],
    [
      'time of one digit in microseconds',
      utcTime('a', 'a', microseconds),
      '2026-11-20T10:00:00.5',
      1795168800500000n,
    ],
    ['time before 1970 in microseconds', utcTime('a', 'a', microseconds), '1969-12-31 23:59:59.999999', -1n],
    [
      'time cut to microseconds',
      utcTime('a', 'a', { ...microseconds, ...cut }),
      '1969-12-31 23:59:59.9999981',
      -2n,
    ],
    ['money', money('a'), '12.30', 1230n],
    ['money below one', money('a'), '-0.05', -5n],
    ['money without a fraction', money('a'), '12', 1200n],
    ['money with zeros after its decimals', money('a'), '12.3000', 1230n],
    ['money in whole numbers', money('n'), 12n, 1200n],
    ['money in binary reals', money('r'), 0.1 + 0.2, 30n],
    ['money of three decimals', money('a', 'm', { decimals: 3 }), '1.234', 1234n],
    ['money of none', money('a', 'm', { decimals: 0 }), '15', 15n],
    ['money keeps NULL', money('a'), null, null],
    ['value table', state, 'open', 'o'],
    ['value table reads numbers as text', state, 1n, 7n],
    ['value table keeps NULL', state, null, null],
    ['constant', constant('b', 'x'), 'whatever', 'x'],
    ['constant numbers are whole', constant('b', 5), null, 5n],
    ['constant NULL', constant('b', null), 'whatever', null],
    ['one way, as the field that it is made of', oneWay(integer('a'), 'derived'), '5', 5n],
  ])('%s', (_, field, from, to) => {
    expect(there(field, from)).toEqual([to]);
  });

  test.each<[string, Field, Row, Row]>([
    ['split', name, ['Ada King Lovelace'], ['Ada', 'King Lovelace']],
    ['split without the separator', name, ['Ada'], ['Ada', null]],
    ['split at its end', name, ['Ada '], ['Ada', '']],
    ['split at its start', name, [' Ada'], ['', 'Ada']],
    ['split of NULL', name, [null], [null, null]],
    ['merge', address, ['Main St 1', 'Köln, DE'], ['Main St 1, Köln, DE']],
    ['merge of one', address, ['Main St 1', null], ['Main St 1']],
    ['merge of none', address, [null, null], [null]],
    ['flags', paid, [1n, 0n, null], ['paid']],
    ['flags with text', paid, [1n, 1n, 'void'], ['void']],
    ['a constant of the legacy side gives nothing', legacyConstant('a', 'x'), [], []],
  ])('%s', (_, field, from, to) => {
    expect(there(field, ...from)).toEqual(to);
  });

  const bytes = Buffer.from('12');
  test.each<[Field, Row, string]>([
    [integer('a'), [''], '"" is not a whole number'],
    [integer('a'), ['Y'], '"Y" is not a whole number'],
    [integer('a'), [1.5], '1.5 is not a whole number'],
    [integer('a'), [new Uint8Array(3)], 'a blob of 3 bytes is not a whole number'],
    [integer('a'), ['9223372036854775808'], '"9223372036854775808" is not a whole number'],
    [utcTime('a'), [''], '"" is not a time of the form'],
    [utcTime('a'), ['2026-02-30 10:00:00'], 'is not a date of the calendar'],
    [utcTime('a'), ['2026-11-20 24:00:00'], 'is not a date of the calendar'],
    [utcTime('a'), ['2026-11-20 10:00:00.1234'], 'has more than 3 digits after its second; precision: '],
    [utcTime('a', 'a', milliseconds), ['2026-11-20 10:00:00.1234'], 'has more than 3 digits'],
    [
      utcTime('a', 'a', microseconds),
      ['2026-11-20 10:00:00.1234567'],
      'has more than 6 digits after its second; finer: ',
    ],
    [utcTime('a', 'a', cut), ['2026-02-30 10:00:00.123456'], 'is not a date of the calendar'],
    [utcTime('a', 'a', cut), ['2026-11-20 10:00:00.'], 'is not a time of the form'],
    [utcTime('a', 'a', cut), ['2026-11-20 10:00:00.123456+02'], 'is not a time of the form'],
    [utcTime('a'), ['2026-11-20T10:00:00Z'], 'is not a time of the form'],
    [utcTime('a'), ['infinity'], '"infinity" is not a time of the form'],
    [utcTime('a'), [5n], '5 is not a time of the form'],
    [money('a'), ['12.345'], '"12.345" is not an amount with 2 decimals'],
    [money('a'), [''], '"" is not an amount'],
    [money('a'), ['€ 5'], 'is not an amount'],
    [money('a'), ['NaN'], 'is not an amount'],
    [money('a'), [Number.NaN], 'NaN is not an amount'],
    [money('r'), [0.125], '0.125 is not an amount'],
    [money('a'), [bytes], 'a blob of 2 bytes is not text'],
    [money('a'), ['92233720368547758.08'], '"92233720368547758.08" is too large an amount'],
    [state, ['lost'], '"lost" is not in the value table'],
    [state, ['toString'], '"toString" is not in the value table'],
    [state, [''], '"" is not in the value table'],
    [state, [Buffer.from('open')], 'a blob of 4 bytes is not text'],
    [name, [bytes], 'a blob of 2 bytes is not text'],
    [address, ['Main St 1, left', 'Köln'], '"Main St 1, left" holds the separator ", " itself'],
    [address, [null, 'Köln'], '"Köln" has nothing before it to be joined to'],
    [merge(['a', 'b'], 'c', '--'), ['x-', 'y'], '"x-" ends like the separator "--" begins'],
    [paid, [0n, 1n, null], 'no state is declared for n 0, f 1, a NULL'],
    [paid, ['0', 0n, null], 'no state is declared for n "0"'],
  ])('%j refuses %s', (field, from, reason) => {
    expect(() => there(field, ...from)).toThrow(reason);
    expect(() => there(field, ...from)).toThrow(RangeError);
  });
});

describe('back to the legacy side', () => {
  test.each<[string, Field, Row, Row]>([
    ['integer as a whole number', integer('n'), [5n], [5n]],
    ['integer as text', integer('a'), [-5n], ['-5']],
    ['integer as a decimal', integer('d'), [5n], ['5']],
    ['integer as a boolean', integer('f'), [1n], [1n]],
    ['integer as NULL', integer('a'), [null], [null]],
    ['time in whole seconds', utcTime('a'), [1795168800999n], ['2026-11-20 10:00:00']],
    ['time in milliseconds', utcTime('a', 'a', milliseconds), [1795168800050n], ['2026-11-20 10:00:00.050']],
    ['time before 1970 is cut downwards', utcTime('a'), [-1n], ['1969-12-31 23:59:59']],
    [
      'time in microseconds',
      utcTime('a', 'a', microseconds),
      [1795168800000050n],
      ['2026-11-20 10:00:00.000050'],
    ],
    [
      'time in whole seconds of microseconds',
      utcTime('a', 'a', microseconds),
      [5000000n],
      ['1970-01-01 00:00:05'],
    ],
    [
      'time in microseconds before 1970',
      utcTime('a', 'a', microseconds),
      [-1n],
      ['1969-12-31 23:59:59.999999'],
    ],
    ['money', money('a'), [1230n], ['12.30']],
    ['money below one', money('a'), [-5n], ['-0.05']],
    ['money of none', money('a', 'm', { decimals: 0 }), [15n], ['15']],
    ['money in whole numbers', money('n'), [-1200n], [-12n]],
    ['value table', state, ['o'], ['open']],
    ['value table of numbers', state, [7n], ['1']],
    ['value that only the service knows', state, ['confirming'], ['open']],
    ['value table of a whole-number column', values('n', 's', { 1: 'x' }), ['x'], [1n]],
    ['value table of a boolean column', values('f', 's', { 0: 'no', 1: 'yes' }), ['yes'], [1n]],
    ['split', name, ['Ada', 'King Lovelace'], ['Ada King Lovelace']],
    ['split of one', name, ['Ada', null], ['Ada']],
    ['split of none', name, [null, null], [null]],
    ['merge', address, ['Main St 1, Köln, DE'], ['Main St 1', 'Köln, DE']],
    ['flags', paid, ['void'], [1n, 1n, 'void']],
    ['a constant gives nothing', constant('b', 5), [5n], []],
    ['a constant of the legacy side', legacyConstant('n', 5), [], [5n]],
  ])('%s', (_, field, from, to) => {
    expect(back(field, ...from)).toEqual(to);
  });

  test.each<[Field, Row, string]>([
    [integer('f'), [2n], '2 is neither 0 nor 1, and the legacy column is a boolean'],
    [utcTime('a'), [2n ** 60n], 'is not a time in milliseconds'],
    [utcTime('a'), [-62167219200001n], 'is outside the years 0 to 9999'],
    [utcTime('a', 'a', microseconds), [2n ** 63n - 1n], 'is not a time in microseconds'],
    [utcTime('a', 'a', microseconds), [253402300800000000n], 'is outside the years 0 to 9999'],
    [utcTime('a'), ['soon'], '"soon" is not a whole number'],
    [money('n'), [1230n], '12.30 is no whole number, and the legacy column keeps those'],
    [state, ['open'], '"open" stands for nothing in the value table, nor under back'],
    [name, ['Ada King', 'Lovelace'], '"Ada King" holds the separator " " itself'],
    [name, [null, 'Lovelace'], '"Lovelace" has nothing before it to be joined to'],
    [split('a', ['c', 'd'], '--'), ['x-', 'y'], '"x-" ends like the separator "--" begins'],
    [paid, ['lost'], '"lost" is not a declared state'],
    [paid, [null], 'NULL is not a declared state'],
  ])('%j refuses %s', (field, from, reason) => {
    expect(() => back(field, ...from)).toThrow(reason);
    expect(() => back(field, ...from)).toThrow(RangeError);
  });
});

test('which ways a field goes', () => {
  const ways = (field: Field) => [run(field).forwardOnly, run(field).backOnly];
  expect(ways(copy('a'))).toEqual([false, false]);
  expect(ways(oneWay(copy('a'), 'derived'))).toEqual([true, false]);
  expect(ways(constant('x', 1))).toEqual([true, false]);
  expect(ways(legacyConstant('a', 1))).toEqual([false, true]);
  expect([run(name).legacy, run(name).service]).toEqual([['a'], ['first', 'last']]);
  expect([run(oneWay(paid, 'derived')).legacy, run(oneWay(paid, 'derived')).service]).toEqual([
    ['n', 'f', 'a'],
    ['state'],
  ]);
});
