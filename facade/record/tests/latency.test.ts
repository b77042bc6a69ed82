import { expect, test } from 'vitest';
import { LatencyWindow } from '../latency.ts';

test('percentiles are within 5 % of the true ones', () => {
  const latency = new LatencyWindow();
  for (let index = 1; index <= 1000; index++) latency.add(index / 10, 5_000);
  const { requests, p50, p95, p99 } = latency.read(5_000)!;
  expect(requests).toBe(1000);
  for (const [actual, wanted] of [
    [p50, 50],
    [p95, 95],
    [p99, 99],
  ] as const) {
    expect(Math.abs(actual - wanted) / wanted).toBeLessThan(0.05);
  }
});

test('one slow request among many is in no percentile but the last', () => {
  const latency = new LatencyWindow();
  for (let index = 0; index < 98; index++) latency.add(2, 0);
  latency.add(3_000, 0);
  latency.add(3_000, 0);
  expect(latency.read(0)).toMatchObject({ p50: expect.closeTo(2, 0), p95: expect.closeTo(2, 0) });
  expect(latency.read(0)!.p99).toBeGreaterThan(2_500);
});

test('what is older than a minute and a bit is forgotten, also where a slot is used again', () => {
  const latency = new LatencyWindow();
  latency.add(100, 1_000);
  expect(latency.read(59_000)).toMatchObject({ requests: 1 });
  expect(latency.read(81_000)).toBeUndefined();
  latency.add(1, 81_000);
  expect(latency.read(81_000)).toMatchObject({ requests: 1, p99: expect.closeTo(1, 0) });
});

test('nothing falls out of the range of buckets', () => {
  const latency = new LatencyWindow();
  for (const milliseconds of [0, 1e-9, 1e9, Number.MAX_VALUE]) latency.add(milliseconds, 0);
  expect(latency.read(0)).toMatchObject({ requests: 4 });
  expect(new LatencyWindow().read(0)).toBeUndefined();
});
