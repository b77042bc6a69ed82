import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Net, netOf } from '../apply/net.ts';
import type { Change } from '../changes/change.ts';
import type { Row } from '../stores/value.ts';

const widths: Record<string, number> = { one: 1, two: 2 };
const keyLength = (table: string) => widths[table]!;

/** Rows of a table by key, under a text that is this test's own. */
type Contents = Map<string, Row>;
const textOf = (key: Row) => JSON.stringify(key.map((value) => [typeof value, String(value)]));

// Few keys, so that changes meet; among them those that would look alike as text.
const part = fc.constantFrom(1n, 2n, '1', 'n1', 's1', '');
const keyOf = (table: string) => fc.array(part, { minLength: keyLength(table), maxLength: keyLength(table) });
const rowOf = (table: string) =>
  fc.tuple(keyOf(table), fc.constantFrom('a', 'b', null)).map(([key, value]): Row => [...key, value]);

const change: fc.Arbitrary<Change> = fc.constantFrom('one', 'two').chain((table) => {
  const made = (parts: { oldKey?: Row; row?: Row; truncated?: boolean }): Change => ({
    table,
    oldKey: undefined,
    row: undefined,
    truncated: false,
    id: 0n,
    ...parts,
  });
  return fc.oneof(
    { weight: 4, arbitrary: rowOf(table).map((row) => made({ row })) },
    { weight: 3, arbitrary: keyOf(table).map((oldKey) => made({ oldKey })) },
    {
      weight: 3,
      arbitrary: fc.tuple(keyOf(table), rowOf(table)).map(([oldKey, row]) => made({ oldKey, row })),
    },
    { weight: 1, arbitrary: fc.constant(made({ truncated: true })) },
  );
});

function oneByOne(before: Contents, changes: Change[], table: string): Contents {
  const rows = new Map(before);
  for (const { oldKey, row, truncated } of changes.filter((one) => one.table === table)) {
    if (truncated) rows.clear();
    if (oldKey !== undefined) rows.delete(textOf(oldKey));
    if (row !== undefined) rows.set(textOf(row.slice(0, keyLength(table))), row);
  }
  return rows;
}

function atOnce(before: Contents, net: Net | undefined, table: string): Contents {
  const rows = new Map(net?.emptied ? [] : before);
  for (const key of net?.removals.values() ?? []) rows.delete(textOf(key));
  for (const row of net?.rows.values() ?? []) rows.set(textOf(row.slice(0, keyLength(table))), row);
  return rows;
}

const sorted = (rows: Contents) => [...rows].sort(([left], [right]) => (left < right ? -1 : 1));

test('what changes come to leaves the same rows as the changes one by one', () => {
  fc.assert(
    fc.property(
      fc.record({ one: fc.array(rowOf('one')), two: fc.array(rowOf('two')) }),
      fc.array(change, { maxLength: 30 }),
      (before, changes) => {
        const nets = netOf(changes, keyLength);
        expect(new Set(nets.keys())).toEqual(new Set(changes.map(({ table }) => table)));
        for (const table of ['one', 'two'] as const) {
          const start: Contents = new Map(
            before[table].map((row) => [textOf(row.slice(0, keyLength(table))), row]),
          );
          const net = nets.get(table);
          expect(sorted(atOnce(start, net, table))).toEqual(sorted(oneByOne(start, changes, table)));
          for (const key of net?.rows.keys() ?? []) expect(net?.removals.has(key)).toBe(false);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

const at = (parts: Partial<Change>): Change => ({
  table: 'one',
  oldKey: undefined,
  row: undefined,
  truncated: false,
  id: 0n,
  ...parts,
});

test('the order of removals and rows does not matter: two rows that swap their keys are two rows', () => {
  const net = netOf(
    [
      at({ oldKey: [1n], row: [9n, 'a'] }),
      at({ oldKey: [2n], row: [1n, 'b'] }),
      at({ oldKey: [9n], row: [2n, 'a'] }),
    ],
    keyLength,
  ).get('one')!;
  expect([...net.rows.values()]).toEqual([
    [1n, 'b'],
    [2n, 'a'],
  ]);
  expect([...net.removals.values()]).toEqual([[9n]]);
});

test('a row that came and went leaves a removal: it may be there from a copy', () => {
  const net = netOf([at({ row: [1n, 'a'] }), at({ oldKey: [1n] })], keyLength).get('one')!;
  expect([net.rows.size, [...net.removals.values()]]).toEqual([0, [[1n]]]);
});

test('what came before a table was emptied counts no more, what came after does', () => {
  const net = netOf(
    [at({ row: [1n, 'a'] }), at({ oldKey: [2n] }), at({ truncated: true }), at({ row: [3n, 'c'] })],
    keyLength,
  ).get('one')!;
  expect(net.emptied).toBe(true);
  expect([...net.rows.values()]).toEqual([[3n, 'c']]);
  expect(net.removals.size).toBe(0);
});
