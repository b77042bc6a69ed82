import { describe, expect, test } from 'vitest';
import { type Answer, compareAnswers } from '../compare.ts';

const json = (value: unknown, more: Partial<Answer> = {}): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8', etag: `W/"${JSON.stringify(value)}"` },
  body: JSON.stringify(value),
  ...more,
});
const places = (left: Answer, right: Answer, tolerate?: Parameters<typeof compareAnswers>[2]) =>
  compareAnswers(left, right, tolerate).map(({ path }) => path);

test('answers that a client cannot tell apart have no differences', () => {
  const left = json({ a: 1 });
  expect(
    places(left, { ...left, headers: { ...left.headers, date: 'other', 'x-powered-by': 'Express' } }),
  ).toEqual([]);
});

test('status, headers and body are told apart', () => {
  expect(places(json({ a: 1 }), json({ a: 1 }, { status: 201 }))).toEqual(['status']);
  const moved = json({ a: 1 });
  expect(places(moved, { ...moved, headers: { ...moved.headers, location: 'http://other/' } })).toEqual([
    'header location',
  ]);
  expect(places(json({ a: 1 }), json({ a: 2 }))).toEqual(['header etag', '$.a']);
});

test('the same JSON in another order of keys is another body', () => {
  expect(places(json({ a: 1, b: 2 }), json({ b: 2, a: 1 }))).toEqual(['header etag', 'body']);
});

test('only where a redirect leads counts, not the page behind it', () => {
  const redirect = (body: string): Answer => ({
    status: 302,
    headers: { location: 'http://shop/account' },
    body,
  });
  expect(places(redirect('Found'), redirect(''))).toEqual([]);
});

describe('tolerances', () => {
  const at = (created_at: string) => json({ bookings: [{ created_at }] });
  const time = [{ path: '$.bookings[*].created_at', rule: 'time' as const, within: 2, reason: 'own clock' }];

  test('a time within bounds is tolerated, and with it the ETag of the body', () => {
    expect(places(at('2026-11-20T10:00:00Z'), at('2026-11-20T10:00:02Z'), time)).toEqual([]);
  });
  test('a time out of bounds, or none at all, is not', () => {
    expect(places(at('2026-11-20T10:00:00Z'), at('2026-11-20T10:00:03Z'), time)).toContain(
      '$.bookings[0].created_at',
    );
    expect(places(at('2026-11-20T10:00:00Z'), at('never'), time)).toContain('$.bookings[0].created_at');
  });
  test('another place is not', () => {
    expect(places(json({ id: 1 }), json({ id: 2 }), time)).toContain('$.id');
  });
});
