import { describe, expect, test } from 'vitest';
import { routeFor, tableOf } from './table.ts';

/** A table of one route a path, each named as its path. */
function paths(...patterns: string[]) {
  return tableOf(...patterns.map((path, index) => `name: r${index}, match: { path: "${path}" }, to: a`));
}

describe('paths', () => {
  test.each([
    ['GET /bookings/export', 'literal'],
    ['GET /bookings/7', 'parameter'],
    ['GET /bookings/7/x', 'prefix'],
    ['GET /bookings', 'prefix'],
    ['GET /bookings/', 'prefix'],
    ['GET /bookingsv2', 'rest'],
    ['GET /', 'rest'],
    ['GET /%62ookings/%65xport', 'literal'],
    ['GET /bookings%2Fexport', 'rest'],
    ['GET //bookings/export', 'rest'],
    ['GET /BOOKINGS/export', 'rest'],
    ['OPTIONS *', 'rest'],
  ])('%s goes to %s', (line, name) => {
    const table = tableOf(
      'name: rest, match: { path: "/*" }, to: a',
      'name: prefix, match: { path: "/bookings/*" }, to: a',
      'name: parameter, match: { path: "/bookings/:id" }, to: a',
      'name: literal, match: { path: "/bookings/export" }, to: a',
    );
    expect(routeFor(table, line)).toBe(name);
  });

  test('are compared from the left: an early literal beats whatever follows', () => {
    const table = paths('/api/*', '/:section/list', '/:section/:id', '/api/:id/x', '/:a/7/x');
    expect(routeFor(table, 'GET /api/list')).toBe('r0');
    expect(routeFor(table, 'GET /web/list')).toBe('r1');
    expect(routeFor(table, 'GET /web/7')).toBe('r2');
    expect(routeFor(table, 'GET /api/7/x')).toBe('r3');
    expect(routeFor(table, 'GET /web/7/x')).toBe('r4');
  });

  test('a branch that leads nowhere is left again', () => {
    const table = paths('/a/b/c', '/a/:x/d', '/:w/b/e', '/*');
    expect(routeFor(table, 'GET /a/b/d')).toBe('r1');
    expect(routeFor(table, 'GET /a/b/e')).toBe('r2');
    expect(routeFor(table, 'GET /a/b/f')).toBe('r3');
  });

  test('a trailing slash makes another exact path, and a parameter is never empty', () => {
    const table = paths('/x', '/x/', '/y/:id', '/*');
    expect(routeFor(table, 'GET /x')).toBe('r0');
    expect(routeFor(table, 'GET /x/')).toBe('r1');
    expect(routeFor(table, 'GET /y/')).toBe('r3');
  });

  test('without case', () => {
    const table = tableOf(
      'name: strict, match: { path: /api/users }, to: a',
      'name: loose, match: { path: /API/Users, caseSensitive: false }, to: b',
      'name: pattern, match: { path: { regex: "/files/[a-z]+" }, caseSensitive: false }, to: c',
    );
    expect(routeFor(table, 'GET /api/users')).toBe('strict');
    expect(routeFor(table, 'GET /Api/USERS')).toBe('loose');
    expect(routeFor(table, 'GET /FILES/x')).toBe('pattern');
    expect(routeFor(table, 'GET /other')).toBeUndefined();
  });

  test('with any end', () => {
    const table = tableOf(
      'name: loose, match: { path: /x, trailingSlash: ignore }, to: a',
      'name: strict, match: { path: /y }, to: a',
      'name: slash, match: { path: /y/, trailingSlash: distinguish }, to: b',
      'name: parameter, match: { path: "/z/:id", trailingSlash: ignore }, to: b',
      'name: rest, match: { path: /* }, to: c',
    );
    expect(routeFor(table, 'GET /x')).toBe('loose');
    expect(routeFor(table, 'GET /x/')).toBe('loose');
    expect(routeFor(table, 'GET /x//')).toBe('rest');
    expect(routeFor(table, 'GET /x/y')).toBe('rest');
    expect(routeFor(table, 'GET /y')).toBe('strict');
    expect(routeFor(table, 'GET /y/')).toBe('slash');
    expect(routeFor(table, 'GET /z/1/')).toBe('parameter');
    expect(routeFor(table, 'GET /z/')).toBe('rest');
  });

  test('a path written out beats one that takes it by its loose end', () => {
    const table = tableOf(
      'name: loose, match: { path: /x, trailingSlash: ignore }, to: a',
      'name: written, match: { path: /x/ }, to: b',
    );
    expect(routeFor(table, 'GET /x/')).toBe('written');
  });

  test('characters that travel escaped may be written as they are', () => {
    const table = paths('/café/:id', '/a b');
    expect(routeFor(table, 'GET /caf%c3%a9/1')).toBe('r0');
    expect(routeFor(table, 'GET /a%20b')).toBe('r1');
  });

  test('regular expressions come after exact and parameter paths, before prefixes, and match the whole path', () => {
    const table = tableOf(
      'name: regex, match: { path: { regex: "/api/[a-z]+" } }, to: a',
      'name: longer, match: { path: { regex: "/api/[a-z]+/[0-9]+" } }, to: a',
      'name: exact, match: { path: /api/users }, to: a',
      'name: parameter, match: { path: "/:section/orders" }, to: a',
      'name: prefix, match: { path: "/api/*" }, to: a',
    );
    expect(routeFor(table, 'GET /api/users')).toBe('exact');
    expect(routeFor(table, 'GET /api/carts')).toBe('regex');
    expect(routeFor(table, 'GET /api/carts/7')).toBe('longer');
    expect(routeFor(table, 'GET /api/carts/x')).toBe('prefix');
    expect(routeFor(table, 'GET /web/orders')).toBe('parameter');
    // Three that beat one another in a circle: the prefix is the tree's best, so the expression is asked.
    expect(routeFor(table, 'GET /api/orders')).toBe('regex');
  });
});

test('hosts come first: a whole name, then the longer suffix, then any', () => {
  const table = tableOf(
    'name: any, match: { path: /exact }, to: a',
    'name: wild, match: { host: "*.example", path: "/*" }, to: a',
    'name: deeper, match: { host: "*.shop.example", path: "/*" }, to: a',
    'name: whole, match: { host: Shop.Example, path: "/*" }, to: a',
  );
  const at = (host: string) => routeFor(table, 'GET /exact', { host });
  expect(at('shop.example')).toBe('whole');
  expect(at('SHOP.example.:8080')).toBe('whole');
  expect(at('a.b.shop.example')).toBe('deeper');
  expect(at('blog.example:80')).toBe('wild');
  expect(at('example')).toBe('any');
  expect(at('notexample')).toBe('any');
  expect(routeFor(table, 'GET http://shop.example/exact', { host: 'other' })).toBe('whole');
});

test('a host without a route for the path falls to the next host', () => {
  const table = tableOf(
    'name: shop, match: { host: shop.example, path: /only }, to: a',
    'name: rest, match: { path: "/*" }, to: a',
  );
  expect(routeFor(table, 'GET /only')).toBe('shop');
  expect(routeFor(table, 'GET /more')).toBe('rest');
});

describe('methods', () => {
  const table = tableOf(
    'name: read, match: { path: "/x/:id", method: GET }, to: a',
    'name: write, match: { path: "/x/:id", method: [PUT, PATCH] }, to: a',
    'name: put, match: { path: "/x/:id", method: PUT }, to: a',
    'name: rest, match: { path: "/*" }, to: a',
    'name: listed, match: { path: /y, method: [HEAD, OPTIONS] }, to: b',
    'name: get-y, match: { path: /y, method: GET }, to: b',
  );
  test.each([
    ['GET /x/1', 'read'],
    ['HEAD /x/1', 'read'],
    ['PUT /x/1', 'put'],
    ['PATCH /x/1', 'write'],
    ['DELETE /x/1', 'rest'],
    ['OPTIONS /x/1', 'rest'],
    ['get /x/1', 'rest'],
    ['HEAD /y', 'listed'],
    ['OPTIONS /y', 'listed'],
    ['GET /y', 'get-y'],
  ])('%s goes to %s', (line, name) => {
    expect(routeFor(table, line)).toBe(name);
  });

  test('a preflight goes where the request will go', () => {
    const preflight = (path: string, method: string) =>
      routeFor(table, `OPTIONS ${path}`, {
        'access-control-request-method': method,
        origin: 'https://x.example',
      });
    expect(preflight('/x/1', 'PUT')).toBe('put');
    expect(preflight('/x/1', 'GET')).toBe('read');
    expect(preflight('/x/1', 'HEAD')).toBe('read');
    expect(preflight('/x/1', 'DELETE')).toBe('rest');
    expect(preflight('/y', 'GET')).toBe('listed');
  });
});

describe('conditions', () => {
  test('headers match whole and with case, several joined by a comma', () => {
    const table = tableOf(
      'name: two, match: { path: /x, headers: { X-A: "1", x-b: "Two" } }, to: a',
      'name: one, match: { path: /x, headers: { x-a: "1" } }, to: a',
      'name: list, match: { path: /x, headers: { x-a: "1,2" } }, to: a',
      'name: none, match: { path: /x }, to: a',
    );
    expect(routeFor(table, 'GET /x', { 'x-a': '1', 'x-b': 'Two' })).toBe('two');
    expect(routeFor(table, 'GET /x', { 'x-a': '1', 'x-b': 'two' })).toBe('one');
    expect(routeFor(table, 'GET /x', { 'x-a': '1, 2' })).toBe('list');
    expect(routeFor(table, 'GET /x', { 'x-a': '11' })).toBe('none');
  });

  test('of a repeated query parameter the first counts, decoded, + as space', () => {
    const table = tableOf(
      'name: yes, match: { path: /x, query: { q: "a b" } }, to: a',
      'name: odd, match: { path: /y, query: { "?p": "1" } }, to: a',
      'name: no, match: { path: /x }, to: a',
    );
    expect(routeFor(table, 'GET /x?q=a+b')).toBe('yes');
    expect(routeFor(table, 'GET /x?z=1&%71=a%20b&q=c')).toBe('yes');
    expect(routeFor(table, 'GET /x?q=c&q=a+b')).toBe('no');
    expect(routeFor(table, 'GET /x?q=100%')).toBe('no');
    expect(routeFor(table, 'GET /y??p=1')).toBe('odd');
  });

  test('cookies, and more conditions before fewer', () => {
    const table = tableOf(
      'name: cookie, match: { path: /x, cookies: { beta: "1" } }, to: a',
      'name: query, match: { path: /x, query: { beta: "1" } }, to: a',
      'name: get, match: { path: /x, method: GET }, to: a',
      'name: none, match: { path: /x }, to: a',
    );
    expect(routeFor(table, 'POST /x?beta=1', { cookie: 'beta=1' })).toBe('query');
    expect(routeFor(table, 'POST /x', { cookie: 'a=b; beta="1"; beta=2' })).toBe('cookie');
    expect(routeFor(table, 'POST /x', { cookie: 'beta=2; beta=1' })).toBe('none');
    expect(routeFor(table, 'GET /x?beta=1')).toBe('get');
  });

  test('names of the prototype are no headers', () => {
    const table = tableOf(
      'name: odd, match: { path: /x, headers: { constructor: "x" } }, to: a',
      'name: none, match: { path: /x }, to: a',
    );
    expect(routeFor(table, 'GET /x')).toBe('none');
  });
});
