import { expect, test } from 'vitest';
import { Bulkhead } from '../bulkhead.ts';

test('places are handed to those who wait, in their order', () => {
  const bulkhead = new Bulkhead({ requests: 2, queue: 2, wait: 500 });
  const called: string[] = [];
  expect([bulkhead.enter(), bulkhead.enter(), bulkhead.enter()]).toEqual([true, true, false]);
  expect(bulkhead.queue(() => called.push('first'))).toBe(true);
  expect(bulkhead.queue(() => called.push('second'))).toBe(true);
  expect(bulkhead.queue(() => called.push('third'))).toBe(false);
  bulkhead.leave();
  expect(called).toEqual(['first']);
  expect(bulkhead.inside).toBe(2);
  bulkhead.leave();
  expect(called).toEqual(['first', 'second']);
  bulkhead.leave();
  bulkhead.leave();
  expect([bulkhead.inside, bulkhead.waiting]).toEqual([0, 0]);
});

test('whoever gave up is passed over', () => {
  const bulkhead = new Bulkhead({ requests: 1, queue: 2, wait: 500 });
  const called: string[] = [];
  const first = () => void called.push('first');
  bulkhead.enter();
  bulkhead.queue(first);
  bulkhead.queue(() => called.push('second'));
  bulkhead.giveUp(first);
  bulkhead.leave();
  expect(called).toEqual(['second']);
});
