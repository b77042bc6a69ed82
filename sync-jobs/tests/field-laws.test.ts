import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  constant,
  copy,
  type Field,
  integer,
  merge,
  money,
  oneWay,
  pair,
  split,
  utcTime,
  values,
} from '../mapping/fields.ts';
import type { Column } from '../stores/store.ts';
import type { Row, Value } from '../stores/value.ts';
import { back, cut, microseconds, milliseconds, name, paid, state, there, types } from './sample-fields.ts';

describe('what went to the service and comes back is what it was', () => {
  const text = fc.string({ unit: 'binary' });
  const whole = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  // Texts that cut and join differently if the separator is looked for at the wrong end.
  const pieces = fc.array(fc.constantFrom('-', '--', ' ', 'x', 'ab', 'aba', '')).map((all) => all.join(''));
  const second = fc.integer({ min: -62167219200, max: 253402300799 });
  const utc = (at: number, fraction: number, digits = 3) =>
    `${new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ')}${fraction === 0 ? '' : `.${String(fraction).padStart(digits, '0')}`}`;
  const amount = (decimals: number) =>
    fc
      .tuple(fc.boolean(), fc.bigInt(0n, 9n ** 15n), fc.nat(10 ** decimals - 1))
      .map(([minus, units, rest]) => {
        const fraction = decimals === 0 ? '' : `.${String(rest).padStart(decimals, '0')}`;
        return `${minus && (units > 0n || rest > 0) ? '-' : ''}${units}${fraction}`;
      });
  const reversed = pair({
    from: ['a'],
    to: ['x'],
    toService: ([value]) => [value === null ? null : [...String(value)].reverse().join('')],
    toLegacy: ([value]) => [value === null ? null : [...String(value)].reverse().join('')],
  });

  /** Fields, and legacy values that each accepts, in the form in which it writes them. */
  const laws: [string, Field, fc.Arbitrary<Row>][] = [
    ['copy', copy('a'), one(fc.oneof(text, whole, fc.double(), fc.uint8Array()))],
    ['integer of text', integer('a'), one(whole.map(String))],
    ['integer of whole numbers', integer('n'), one(whole)],
    ['integer of booleans', integer('f'), one(fc.constantFrom(0n, 1n))],
    ['utcTime', utcTime('a'), one(second.map((at) => utc(at, 0)))],
    [
      'utcTime in milliseconds',
      utcTime('a', 'x', milliseconds),
      one(fc.tuple(second, fc.nat(999)).map(([at, rest]) => utc(at, rest))),
    ],
    [
      'utcTime in microseconds',
      utcTime('a', 'x', microseconds),
      one(fc.tuple(second, fc.nat(999_999)).map(([at, rest]) => utc(at, rest, 6))),
    ],
    ['money', money('a'), one(amount(2))],
    ['money of three decimals', money('a', 'x', { decimals: 3 }), one(amount(3))],
    ['money of none', money('d', 'x', { decimals: 0 }), one(amount(0))],
    ['money in whole numbers', money('n'), one(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }))],
    ['values', state, one(fc.constantFrom('open', 'closed', '1'))],
    ['values of whole numbers', values('n', 'x', { 0: 'no', 1: 2 }), one(fc.constantFrom(0n, 1n))],
    ['split', name, one(fc.oneof(text, pieces))],
    ['split at a separator that overlaps itself', split('a', ['x', 'y'], 'aba'), one(pieces)],
    ['flags', paid, fc.constantFrom<Row>([0n, 0n, null], [1n, 0n, null], [1n, 1n, 'void'])],
    ['constant', constant('x', 1), fc.constant([])],
    ['pair', reversed, one(text.filter((value) => value.isWellFormed()))],
    ['oneWay', oneWay(money('a'), 'derived'), one(amount(2))],
  ];

  function one(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Row> {
    return fc
      .oneof({ weight: 9, arbitrary }, { weight: 1, arbitrary: fc.constant(null) })
      .map((value) => [value]);
  }

  test.each(laws)('%s', (_, field, rows) => {
    fc.assert(
      fc.property(rows, (row) => {
        expect(back(field, ...there(field, ...row))).toEqual(row);
      }),
    );
  });

  test.each(['-', '--', 'aba', ' ', 'x'])('merge by %j, or it refuses the values', (separator) => {
    const field = merge(['a', 'b'], 'x', separator);
    let accepted = 0;
    fc.assert(
      fc.property(pieces, fc.option(pieces), (first, last) => {
        let joined: Row;
        try {
          joined = there(field, first, last);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          // It refuses only what would be cut elsewhere than it was joined.
          expect(`${first}${separator}`.indexOf(separator)).toBeLessThan(first.length);
          return;
        }
        accepted++;
        expect(back(field, ...joined)).toEqual([first, last]);
      }),
    );
    expect(accepted).toBeGreaterThan(0);
  });

  test('in another form where it had one, and with the same meaning', () => {
    const again = (field: Field, value: Value) => back(field, ...there(field, value))[0];
    expect(again(integer('a'), '+007')).toBe('7');
    expect(again(money('a'), '+1.5')).toBe('1.50');
    expect(again(money('a'), '-0.00')).toBe('0.00');
    expect(again(utcTime('a', 'x', milliseconds), '2026-11-20T10:00:00.5')).toBe('2026-11-20 10:00:00.500');
    expect(again(utcTime('a', 'x', milliseconds), '2026-11-20 10:00:00.000')).toBe('2026-11-20 10:00:00');
  });

  test('a time is cut to the millisecond at or before it, whatever its digits', () => {
    const field = utcTime('a', 'x', cut);
    fc.assert(
      fc.property(second, fc.nat(999_999), (at, rest) => {
        const [made] = there(field, utc(at, rest, 6));
        expect(made).toBe(BigInt(at) * 1000n + BigInt(Math.floor(rest / 1000)));
        expect(there(utcTime('a', 'x', microseconds), utc(at, rest, 6))[0]).toBe(
          BigInt(at) * 1_000_000n + BigInt(rest),
        );
      }),
    );
  });

  test('from the service and back to it, too, save what is declared under back', () => {
    const law = (field: Field, value: Value) => {
      expect(there(field, ...back(field, value))).toEqual([value]);
    };
    for (const type of ['integer', 'text', 'decimal'] as Column['type'][]) {
      const field = integer(Object.entries(types).find(([, one]) => one === type)![0], 'x');
      fc.assert(fc.property(whole, (value) => law(field, value)));
    }
    fc.assert(fc.property(whole, (value) => law(money('a'), value)));
    const micros = fc.bigInt({ min: -62167219200n * 1_000_000n, max: 253402300799_999_999n });
    fc.assert(fc.property(micros, (value) => law(utcTime('a', 'x', microseconds), value)));
    for (const value of ['o', 'c', 7n]) law(state, value);
    expect(there(state, ...back(state, 'confirming'))).toEqual(['o']);
  });
});
