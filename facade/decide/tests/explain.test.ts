import { expect, test } from 'vitest';
import { explain } from '../explain.ts';
import { request, tableOf } from './table.ts';

const table = tableOf(
  'name: rest, match: { path: "/*" }, to: a',
  'name: shop, match: { host: shop.example, path: "/x/*" }, to: a',
  'name: blog, match: { host: blog.example, path: "/x/*" }, to: a',
  'name: exact, match: { path: /x/1, method: GET }, to: a',
  'name: parameter, match: { path: "/x/:id" }, to: a',
  'name: beta, match: { path: "/x/:id", headers: { x-beta: "1" } }, to: a',
  'name: pattern, match: { path: { regex: "/x/[0-9]+" } }, to: a',
  'name: elsewhere, match: { path: /y }, to: a',
);

function told(line: string, headers: Record<string, string> = {}, all = false): string[] {
  const { candidates } = explain(table, request(line, headers), { all });
  return candidates.map(({ route, verdict, reason }) => `${route.name} ${verdict}: ${reason}`);
}

test('every candidate, in order, with its reason', () => {
  expect(told('POST /x/1', { host: 'other' })).toEqual([
    'blog no_match: host: it wants blog.example, the request asks other',
    'shop no_match: host: it wants shop.example, the request asks other',
    'exact no_match: method: it takes GET, not POST',
    'beta no_match: header x-beta: it wants "1", it is absent',
    'parameter wins: an exact path comes before a regular expression',
    'pattern outranked: matches too, but an exact path comes before a regular expression',
    'rest outranked: matches too, but /x/:id is more specific than /*: "x" comes before "*"',
  ]);
});

test('what tells two matching routes apart', () => {
  expect(told('HEAD /x/1', { host: 'other', 'x-beta': '2' })).toContain(
    'exact wins: /x/1 is more specific than /x/:id: "1" comes before ":id"; HEAD follows GET',
  );
  expect(told('PUT /x/2', { host: 'other', 'x-beta': '1' })).toContain(
    'beta wins: beta asks for more headers',
  );
  expect(told('GET /x/1')).toContain('shop wins: host shop.example is more specific than any host');
  expect(told('GET /y')).toContain('elsewhere wins: /y is more specific than /*: "y" comes before "*"');
  expect(told('GET /z')).toEqual(['rest wins: the only route that matches']);
});

test('all: also those of another path', () => {
  expect(told('GET /z', {}, true)).toHaveLength(table.routes.length);
  expect(told('GET /z', {}, true)).toContain('elsewhere no_match: path: /y does not match /z');
  expect(explain(table, request('GET /z')).omitted).toBe(table.routes.length - 1);
});

test('where the request changes the order of two routes, the winner is still listed first', () => {
  const heads = tableOf(
    'name: get, match: { path: /x, method: GET, headers: { a: "1" } }, to: a',
    'name: head, match: { path: /x, method: HEAD }, to: a',
  );
  const { candidates } = explain(heads, request('HEAD /x', { a: '1' }));
  expect(candidates.map(({ route, reason }) => `${route.name}: ${reason}`)).toEqual([
    'head: head lists HEAD',
    'get: matches too, but head lists HEAD',
  ]);
});

test('no route', () => {
  const { decision, candidates } = explain(tableOf('name: x, match: { path: /x }, to: a'), request('GET /y'));
  expect(decision).toBeUndefined();
  expect(candidates).toEqual([]);
});
