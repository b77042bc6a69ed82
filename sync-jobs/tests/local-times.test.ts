import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Field, localTime } from '../mapping/fields.ts';
import { twoWay } from '../mapping/two-way.ts';
import type { Value } from '../stores/value.ts';
import { shapeOf } from './table-shape.ts';

const run = (field: Field) => twoWay(field, shapeOf({ a: 'text' }));
const there = (field: Field, value: Value) => run(field).toService([value])[0];
const back = (field: Field, value: Value) => run(field).toLegacy([value])[0];

const zones = ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'];
const quarter = 900_000;
const day = 86_400_000;
const inMilliseconds = (zone: string) => localTime('a', 'x', { zone, precision: 'milliseconds' });

/** What a zone's clocks show, without fractions; asked otherwise than by the code under test. */
function shownIn(zone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
    return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}`;
  };
}

/** Every instant at which the clocks show a time, by trying each quarter of an hour that an offset can be. */
function instantsOf(text: string, shown: (at: number) => string): number[] {
  const asUtc = Date.parse(`${text.replace(' ', 'T')}Z`);
  return Array.from({ length: 121 }, (_, index) => asUtc + (index - 60) * quarter).filter(
    (at) => shown(at) === text,
  );
}

/** The hours at which a zone's clocks were changed from 1990 to 2037. */
function changesOf(shown: (at: number) => string): number[] {
  const ahead = (at: number) => Date.parse(`${shown(at).replace(' ', 'T')}Z`) - at;
  const changes: number[] = [];
  for (let at = Date.UTC(1990, 0, 1); at < Date.UTC(2038, 0, 1); at += day) {
    if (ahead(at) === ahead(at + day)) continue;
    const hours = Array.from({ length: 24 }, (_, hour) => at + (hour * day) / 24);
    changes.push(hours.findLast((hour) => ahead(hour) === ahead(at))!);
  }
  return changes;
}

describe.each(zones)('local times of %s', (zone) => {
  const shown = shownIn(zone);
  const changes = changesOf(shown);
  const field = inMilliseconds(zone);
  // As a clock might show them, near changes and anywhere; not all of them were ever shown.
  const clock = fc
    .oneof(
      ...(changes.length === 0
        ? []
        : [fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -6 * 3600, max: 6 * 3600 }))]),
      fc.tuple(
        fc.integer({ min: 631_152_000, max: 2_145_916_800 }).map((at) => at * 1000),
        fc.constant(0),
      ),
    )
    .map(([at, seconds]) => {
      const ahead = Date.parse(`${shown(at).replace(' ', 'T')}Z`) - at;
      return new Date(at + ahead + seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
    });

  test('a time that exists once comes back as it was; of two the first counts; none is refused', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(clock, fc.nat(999), (text, rest) => {
        const [first, second] = instantsOf(text, shown);
        seen.add(first === undefined ? 0 : second === undefined ? 1 : 2);
        const withRest = rest === 0 ? text : `${text}.${String(rest).padStart(3, '0')}`;
        if (first === undefined) {
          expect(() => there(field, withRest)).toThrow(`is a time that ${zone} never had`);
          return;
        }
        expect(there(field, withRest)).toBe(BigInt(first + rest));
        expect(back(field, BigInt(first + rest))).toBe(withRest);
        if (second === undefined) return;
        expect(() => back(field, BigInt(second + rest))).toThrow(
          `${withRest} comes twice in ${zone}, and this is the second time`,
        );
      }),
      { numRuns: 600 },
    );
    expect([...seen].sort()).toEqual(zone === 'Asia/Kathmandu' ? [1] : [0, 1, 2]);
  });
});

test.each<[string, string, number]>([
  ['Europe/Berlin', '2026-07-01 00:00:00', Date.UTC(2026, 5, 30, 22)],
  ['Europe/Berlin', '2026-12-31 23:59:59', Date.UTC(2026, 11, 31, 22, 59, 59)],
  ['Europe/Berlin', '2026-10-25 02:30:00', Date.UTC(2026, 9, 25, 0, 30)],
  ['America/St_Johns', '2026-07-01 12:00:00', Date.UTC(2026, 6, 1, 14, 30)],
  // Clocks went back by half an hour at 02:00.
  ['Australia/Lord_Howe', '2026-04-05 01:45:00', Date.UTC(2026, 3, 4, 14, 45)],
  ['Australia/Lord_Howe', '2026-04-05 02:00:00', Date.UTC(2026, 3, 4, 15, 30)],
  // The day before was left out.
  ['Pacific/Apia', '2011-12-31 00:00:00', Date.UTC(2011, 11, 30, 10)],
  ['Europe/Berlin', '9999-12-31 23:59:59', Date.UTC(9999, 11, 31, 22, 59, 59)],
  ['America/St_Johns', '9999-12-31 12:00:00', Date.UTC(9999, 11, 31, 15, 30)],
  ['Europe/Berlin', '0999-05-05 12:00:00', Date.parse('0999-05-05T11:06:32Z')],
])('%s: %s', (zone, text, at) => {
  const field = localTime('a', 'x', { zone });
  expect(there(field, text)).toBe(BigInt(at));
  expect(back(field, BigInt(at))).toBe(text);
});

test('an hour that comes twice is read as its first time, and its second is not written back', () => {
  const field = localTime('a', 'x', { zone: 'Europe/Berlin' });
  expect(back(field, BigInt(Date.UTC(2026, 9, 25, 0, 59, 59)))).toBe('2026-10-25 02:59:59');
  expect(() => back(field, BigInt(Date.UTC(2026, 9, 25, 1)))).toThrow('2026-10-25 02:00:00 comes twice');
  expect(back(field, BigInt(Date.UTC(2026, 9, 25, 2)))).toBe('2026-10-25 03:00:00');
});

test('an hour that never came stops the group', () => {
  const field = localTime('a', 'x', { zone: 'Europe/Berlin' });
  expect(there(field, '2026-03-29 01:59:59')).toBe(BigInt(Date.UTC(2026, 2, 29, 0, 59, 59)));
  expect(() => there(field, '2026-03-29 02:00:00')).toThrow(
    '"2026-03-29 02:00:00" is a time that Europe/Berlin never had',
  );
  expect(() => there(field, '2026-03-29 02:59:59.999')).toThrow(RangeError);
  expect(there(field, '2026-03-29 03:00:00')).toBe(BigInt(Date.UTC(2026, 2, 29, 1)));
});

test('microseconds are kept both ways, or cut to the millisecond before', () => {
  const kept = localTime('a', 'x', { zone: 'Europe/Berlin', precision: 'microseconds' });
  const cut = localTime('a', 'x', { zone: 'Europe/Berlin', finer: 'cut' });
  const at = BigInt(Date.UTC(2026, 6, 1, 10));
  expect(there(kept, '2026-07-01 12:00:00.000123')).toBe(at * 1000n + 123n);
  expect(back(kept, at * 1000n + 123n)).toBe('2026-07-01 12:00:00.000123');
  expect(there(cut, '2026-07-01 12:00:00.123999')).toBe(at + 123n);
  expect(there(cut, '1960-07-01 12:00:00.123999')).toBe(BigInt(Date.UTC(1960, 6, 1, 11)) + 123n);
  expect(() => there(inMilliseconds('Europe/Berlin'), '2026-07-01 12:00:00.0001')).toThrow(
    'has more than 3 digits',
  );
  const second = BigInt(Date.UTC(2026, 9, 25, 1, 30)) * 1000n + 1n;
  expect(() => back(kept, second)).toThrow('2026-10-25 02:30:00.000001 comes twice in Europe/Berlin');
});

test('NULL stays NULL, fractions are cut where seconds are kept, and what is no time is refused', () => {
  const field = localTime('a', 'x', { zone: 'Europe/Berlin' });
  expect([there(field, null), back(field, null)]).toEqual([null, null]);
  expect(back(field, BigInt(Date.UTC(2026, 6, 1, 10)) + 999n)).toBe('2026-07-01 12:00:00');
  expect(() => there(field, '2026-02-30 10:00:00')).toThrow('is not a date of the calendar');
  expect(() => there(field, 'soon')).toThrow('"soon" is not a time of the form');
});
