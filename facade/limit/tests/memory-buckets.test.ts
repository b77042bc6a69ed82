import { expect, test } from 'vitest';
import { MemoryBuckets } from '../memory-buckets.ts';
import type { RateLimit } from '../rate-limit.ts';

const limit = (capacity: number, interval: number, id = 'a'): RateLimit => ({
  id,
  name: id,
  capacity,
  interval,
  by: { kind: 'address' },
  policy: '',
});

function bucketsAt(most?: number) {
  const clock = { now: 0 };
  const buckets = new MemoryBuckets(most, () => clock.now);
  const take = (of: RateLimit, key: string) => buckets.take([{ limit: of, key }]).admitted;
  return { clock, buckets, take };
}

test('a bucket is refilled evenly, and to no more than it holds', () => {
  const { clock, take } = bucketsAt();
  const ten = limit(10, 100);
  const admitted = (tries: number) =>
    Array.from({ length: tries }, () => take(ten, 'k')).filter(Boolean).length;
  expect(admitted(20)).toBe(10);
  clock.now = 99;
  expect(admitted(5)).toBe(0);
  clock.now = 100;
  expect(admitted(5)).toBe(1);
  clock.now = 450;
  expect(admitted(5)).toBe(3);
  clock.now = 1e9;
  expect(admitted(20)).toBe(10);
});

test('over a long time no more gets through than the rate, however the requests come', () => {
  const { clock, take } = bucketsAt();
  const seventh = limit(3, 1000 / 7);
  let admitted = 0;
  for (; clock.now < 100_000; clock.now += 13) if (take(seventh, 'k')) admitted++;
  expect(admitted).toBeGreaterThanOrEqual(702);
  expect(admitted).toBeLessThanOrEqual(703);
});

test('all buckets are charged or none', () => {
  const { buckets } = bucketsAt();
  const wide = { limit: limit(5, 1000, 'wide'), key: 'wide' };
  const narrow = { limit: limit(1, 1000, 'narrow'), key: 'narrow' };
  expect(buckets.take([wide, narrow])).toEqual({ admitted: true, used: [1, 1] });
  expect(buckets.take([wide, narrow])).toEqual({ admitted: false, used: [1, 1] });
  expect(buckets.take([wide])).toEqual({ admitted: true, used: [2] });
});

test('a limit that is lowered holds at once', () => {
  const { take, clock } = bucketsAt();
  for (let index = 0; index < 10; index++) take(limit(10, 1000), 'k');
  expect(take(limit(2, 1000), 'k')).toBe(false);
  clock.now = 1000;
  expect(take(limit(2, 1000), 'k')).toBe(true);
});

test('full buckets go when others come, without a timer', () => {
  const { clock, buckets, take } = bucketsAt();
  for (let index = 0; index < 1000; index++) take(limit(2, 10), `k${index}`);
  expect(buckets.size).toBe(1000);
  clock.now = 20;
  for (let index = 0; index < 500; index++) take(limit(2, 10), 'other');
  expect(buckets.size).toBe(1);
});

test('a million keys leave no more than there is room for; who hammers stays refused meanwhile', () => {
  const { buckets, take } = bucketsAt(1000);
  const hour = limit(1, 3_600_000);
  take(hour, 'hammers');
  let again = 0;
  for (let index = 0; index < 1_000_000; index++) {
    take(hour, `key${index}`);
    if (index % 500 === 0 && take(hour, 'hammers')) again++;
  }
  expect(buckets.size).toBe(1000);
  expect(again).toBe(0);
});
