import { describe, expect, test } from 'vitest';
import { decide } from '../decide.ts';
import { explain } from '../explain.ts';
import { request, tableOf } from './table.ts';

const table = tableOf(
  'name: header, match: { path: /h, method: GET }, to: { a: 1, b: 0 }, compare: c, force: { header: X-Side }',
  'name: cookie, match: { path: /c, method: GET }, to: { a: 1, b: 1 }, force: { cookie: side }',
  'name: plain, match: { path: /p, method: GET }, to: a, compare: b',
);

const backend = (line: string, headers: Record<string, string>) => decide(table, request(line, headers));

describe('a request that names one of the route’s backends', () => {
  test.each(['a', 'b', 'c'])('goes there: %s, also of weight 0 or only compared with', (side) => {
    expect(backend('GET /h', { 'x-side': side })).toEqual({
      route: expect.anything(),
      backend: side,
      forced: true,
    });
  });

  test('by cookie, whatever side its weights put it on, and gets no cookie for it', () => {
    for (const side of ['a', 'b']) {
      const decision = backend('GET /c', { cookie: `x=1; side=${side}` });
      expect(decision).toMatchObject({ backend: side, forced: true });
      expect(decision?.setCookie).toBeUndefined();
    }
  });

  test('also a HEAD and a preflight, which follow the GET', () => {
    expect(backend('HEAD /h', { 'x-side': 'b' })?.backend).toBe('b');
    const preflight = { 'x-side': 'b', 'access-control-request-method': 'GET' };
    expect(backend('OPTIONS /h', preflight)?.backend).toBe('b');
  });
});

describe('is treated like any other', () => {
  test.each([
    ['a backend of another route', '/c', { cookie: 'side=c' }],
    ['another case', '/h', { 'x-side': 'B' }],
    ['an inherited name', '/h', { 'x-side': 'constructor' }],
    ['nothing', '/h', { 'x-side': '' }],
    ['two values', '/h', { 'x-side': 'b, b' }],
    ['a header where the route wants a cookie', '/c', { side: 'b', 'x-side': 'b' }],
    ['a route that does not say force', '/p', { 'x-side': 'b', cookie: 'side=b' }],
  ])('a request that names %s', (_, path, headers) => {
    const decision = backend(`GET ${path}`, headers as Record<string, string>);
    expect(decision?.forced).toBeUndefined();
    if (path !== '/c') expect(decision?.backend).toBe('a');
  });
});

test('explain says who could choose, and who did', () => {
  const { notes } = explain(table, request('GET /h'));
  expect(notes).toEqual(['header x-side could force a or b or c', 'compared with c: 100 % of the requests']);
  expect(explain(table, request('GET /h', { 'x-side': 'c' })).notes).toEqual(['forced by header x-side']);
});
