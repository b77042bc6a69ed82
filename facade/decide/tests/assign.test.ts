import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketOf, defaultStickyCookie } from '../assign.ts';
import { decide } from '../decide.ts';
import { request, tableOf } from './table.ts';

/** Who answers a client known by the cookie uid, under weights as in the file. */
function backendFor(weights: string, uid: string): string | undefined {
  const table = tableOf(`name: x, match: { path: /x, method: GET }, to: ${weights}, sticky: { cookie: uid }`);
  return decide(table, request('GET /x', { cookie: `uid=${uid}` }))?.backend;
}

const clients = Array.from({ length: 2000 }, (_, index) => `client-${index}`);

function sides(weights: string): (string | undefined)[] {
  const table = tableOf(`name: x, match: { path: /x, method: GET }, to: ${weights}, sticky: { cookie: uid }`);
  return clients.map((uid) => decide(table, request('GET /x', { cookie: `uid=${uid}` }))?.backend);
}

describe('weights', () => {
  test('divide clients in their proportion', () => {
    const onB = sides('{ a: 90, b: 10 }').filter((backend) => backend === 'b').length;
    expect(onB / clients.length).toBeGreaterThan(0.08);
    expect(onB / clients.length).toBeLessThan(0.12);
  });

  test.each([
    ['{ a: 90, b: 10 }', '{ a: 70, b: 30 }', 'b'],
    ['{ b: 10, a: 90 }', '{ a: 70, b: 30 }', 'b'],
    ['{ a: 10, b: 90 }', '{ a: 30, b: 70 }', 'a'],
    ['{ a: 1, b: 0 }', '{ a: 99, b: 1 }', 'b'],
    ['{ a: 50, b: 50 }', '{ a: 0, b: 1 }', 'b'],
  ])('from %s to %s only adds clients to %s', (before, after, grown) => {
    const then = sides(before);
    const now = sides(after);
    const moved = clients.filter((_, index) => then[index] !== now[index]);
    expect(moved.length).toBeGreaterThan(0);
    for (const [index] of clients.entries()) {
      if (then[index] !== now[index]) expect(now[index]).toBe(grown);
    }
  });

  test('of any two of two backends, raised for one, move nobody to the other', () => {
    const weight = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(weight, weight, weight, weight, fc.string({ minLength: 1 }), (a, b, c, d, text) => {
        fc.pre(a + b > 0 && c + d > 0 && d / (c + d) >= b / (a + b));
        const uid = Buffer.from(text).toString('hex');
        const before = backendFor(`{ a: ${a}, b: ${b} }`, uid);
        const after = backendFor(`{ a: ${c}, b: ${d} }`, uid);
        if (before === 'b') expect(after).toBe('b');
      }),
      { numRuns: 60 },
    );
  });

  test('count by their proportion, whatever their order', () => {
    expect(sides('{ a: 9, b: 1 }')).toEqual(sides('{ b: 10, a: 90 }'));
  });

  test('of 0 send nobody', () => {
    expect(new Set(sides('{ a: 0, b: 5, c: 0 }'))).toEqual(new Set(['b']));
  });

  test('put a client on the same side of every route, and on every machine', () => {
    const table = tableOf(
      'name: x, match: { path: /x, method: GET }, group: g, to: { a: 1, b: 1 }, sticky: { cookie: uid }',
      'name: y, match: { path: /y, method: GET }, group: g, to: { a: 1, b: 1 }, sticky: { cookie: uid }',
    );
    for (const uid of clients.slice(0, 100)) {
      const cookie = `uid=${uid}`;
      const [x, y] = ['GET /x', 'GET /y'].map((line) => decide(table, request(line, { cookie }))?.backend);
      expect(x).toBe(y);
    }
    // Worked out once with `printf client-1 | sha256sum`: the first 48 bits over 2^48.
    expect(bucketOf('client-1')).toBe(Number.parseInt(firstBits, 16) / 2 ** 48);
  });
});

const firstBits = '5704de18fc60';

describe('what a client is known by', () => {
  const weights = '{ a: 1, b: 1 }';

  test('one backend needs nothing', () => {
    const table = tableOf('name: x, match: { path: /x }, to: a');
    expect(decide(table, request('GET /x'))).toEqual({ route: table.routes[0], backend: 'a' });
  });

  test.each(['', 'uid=', 'other=1'])(
    'without its cookie (%j) a client is issued one, and then stays',
    (cookie) => {
      const table = tableOf(`name: x, match: { path: /x }, to: ${weights}, sticky: { cookie: uid }`);
      const first = decide(table, request('GET /x', { cookie }));
      expect(first?.setCookie).toMatch(/^uid=[\w-]{22}; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/);
      const issued = first?.setCookie?.split(';')[0] ?? '';
      const second = decide(table, request('GET /x', { cookie: issued }));
      expect(second).toEqual({ route: first?.route, backend: first?.backend, bucket: first?.bucket });
    },
  );

  test('no sticky means a cookie of the facade', () => {
    const table = tableOf(`name: x, match: { path: /x }, to: ${weights}`);
    expect(decide(table, request('GET /x'))?.setCookie).toMatch(new RegExp(`^${defaultStickyCookie}=`));
    expect(decide(table, request('GET /x', { cookie: `${defaultStickyCookie}=7` }))).toMatchObject({
      bucket: bucketOf('7'),
    });
  });

  test('a header, and a cookie for those without it', () => {
    const table = tableOf(`name: x, match: { path: /x }, to: ${weights}, sticky: { header: X-Tenant }`);
    const known = decide(table, request('GET /x', { 'x-tenant': 'acme' }));
    expect(known).toMatchObject({ bucket: bucketOf('acme') });
    expect(known?.setCookie).toBeUndefined();
    expect(decide(table, request('GET /x', { 'x-tenant': '' }))?.setCookie).toMatch(/^strangler_id=/);
  });

  test('the address', () => {
    const table = tableOf(`name: x, match: { path: /x }, to: ${weights}, sticky: address`);
    expect(decide(table, request('GET /x'))).toMatchObject({ bucket: bucketOf('192.0.2.1') });
  });
});
