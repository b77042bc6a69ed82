import { expect, test } from 'vitest';
import { newTraceparent, traceIdOf } from '../trace.ts';

const id = '4bf92f3577b34da6a3ce929d0e0e4736';

test('the trace id of a valid header is given', () => {
  expect(traceIdOf(`00-${id}-00f067aa0ba902b7-01`)).toBe(id);
  expect(traceIdOf(`cc-${id}-00f067aa0ba902b7-01-what-the-future-adds`)).toBe(id);
});

test.each([
  undefined,
  '',
  `ff-${id}-00f067aa0ba902b7-01`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${id}-${'0'.repeat(16)}-01`,
  `00-${id.toUpperCase()}-00f067aa0ba902b7-01`,
  `00-${id}-00f067aa0ba902b7`,
])('%s is not a valid header', (header) => {
  expect(traceIdOf(header)).toBeUndefined();
});

test('a new trace is valid, and another one each time', () => {
  const [one, other] = [newTraceparent(), newTraceparent()];
  expect(traceIdOf(one)).toMatch(/^[0-9a-f]{32}$/);
  expect(traceIdOf(one)).not.toBe(traceIdOf(other));
});
