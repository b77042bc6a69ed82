import { expect, test } from 'vitest';
import { RowBudget } from '../feed/row-budget.ts';

test('wide rows are read few at a time, narrow ones as many as were asked for', () => {
  const budget = new RowBudget(10_000);
  expect(budget.rows).toBeLessThanOrEqual(500);
  budget.saw(Array.from({ length: 500 }, (_, id) => [BigInt(id), 'a name', null]));
  expect(budget.rows).toBe(10_000);
  budget.saw([[1n, 'x'.repeat(1 << 20), new Uint8Array(1 << 20)]]);
  expect(budget.rows).toBeLessThan(16);
  budget.saw([[1n, 'x'.repeat(100 << 20), null]]);
  expect(budget.rows).toBe(1);
  for (let count = 0; count < 30; count++) budget.saw([[1n, 'a name', null]]);
  expect(budget.rows).toBe(10_000);
});

test('no more rows than were asked for', () => {
  const budget = new RowBudget(3);
  expect(budget.rows).toBe(3);
  budget.saw([]);
  budget.saw([[1n]]);
  expect(budget.rows).toBe(3);
});
