import { expect, test } from 'vitest';
import { backoff } from '../repetition.ts';
import { RetryBudget } from '../retry-budget.ts';

function taken(budget: RetryBudget, now: number): number {
  let count = 0;
  while (budget.take(now)) count++;
  return count;
}

test('three are always allowed', () => {
  const budget = new RetryBudget(0.2);
  budget.request(5_000);
  expect(taken(budget, 5_000)).toBe(3);
});

test('a fifth of the requests of the last ten seconds', () => {
  const budget = new RetryBudget(0.2);
  for (let second = 0; second < 10; second++) {
    for (let one = 0; one < 10; one++) budget.request(20_000 + second * 1_000);
  }
  expect(taken(budget, 29_999)).toBe(20);
  // Five seconds later half of the requests are too long ago, and all repetitions still count.
  expect(taken(budget, 34_999)).toBe(0);
  // Then they are forgotten with the second in which they were taken.
  expect(taken(budget, 39_000)).toBe(3);
});

test('after a pause of any length nothing is left of before', () => {
  const budget = new RetryBudget(0.5);
  for (let one = 0; one < 100; one++) budget.request(1_000);
  expect(taken(budget, 1_000)).toBe(50);
  expect(taken(budget, 1_000_000)).toBe(3);
});

test('a budget of nothing leaves the three', () => {
  const budget = new RetryBudget(0);
  for (let one = 0; one < 100; one++) budget.request(1_000);
  expect(taken(budget, 1_000)).toBe(3);
});

test('the wait doubles, is drawn from all of it, and ends at a second', () => {
  expect([0, 1, 2].map((repeated) => backoff(25, repeated, 1))).toEqual([25, 50, 100]);
  expect(backoff(25, 0, 0)).toBe(0);
  expect(backoff(25, 0, 0.5)).toBe(12.5);
  expect(backoff(25, 30, 1)).toBe(1_000);
});
