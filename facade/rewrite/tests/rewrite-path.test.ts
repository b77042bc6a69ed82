import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTarget } from '../../check/target.ts';
import { decide } from '../../decide/decide.ts';
import { parseRoutes } from '../../routes/load.ts';
import type { RouteTable } from '../../routes/model.ts';
import { RoutesInvalid } from '../../routes/problem.ts';
import { askedPath } from '../rewrite-path.ts';

const tableOf = (path: string, rewrite: string): RouteTable =>
  parseRoutes(
    `version: 1
backends: { a: { url: "http://a.internal" } }
routes: [{ name: r, match: { path: ${JSON.stringify(path)} }, to: a, rewrite: { ${rewrite} } }]`,
    'routes.yaml',
  );

/** What the backend is asked for; undefined where the route does not match. */
function asked(table: RouteTable, path: string): string | undefined {
  const target = parseTarget(path);
  const request = { method: 'GET', target, headers: { host: 'shop.example' }, clientAddress: '192.0.2.1' };
  const decision = decide(table, request);
  return decision && askedPath(decision.route.rewrite, target);
}

describe('path', () => {
  test.each([
    ['/items/:itemId', '/v2/items/:itemId', '/items/7', '/v2/items/7'],
    ['/items/:itemId', '/v2/items/:itemId', '/items/%2e%2Fa;b?x=%zz&y', undefined],
    ['/items/:itemId', '/v2/items/:itemId', '/items/a%2Fb;c?x=%zz&/../', '/v2/items/a%2Fb;c?x=%zz&/../'],
    ['/items/:itemId', '/v2/items/:itemId', '/%69tems/%41', '/v2/items/%41'],
    ['/:shop/items/:id', '/v2/:id/of/:shop/', '/north/items/7', '/v2/7/of/north/'],
    ['/:shop', '/:shop', '/@evil.example', '/@evil.example'],
    ['/items/:id', '/', '/items/7?x', '/?x'],
    ['/items/*', '/maintenance', '/items/7/x', '/maintenance'],
    ['/items', '/café au lait', '/items', '/caf%C3%A9%20au%20lait'],
  ])('%s -> %s: %s', (match, to, path, wanted) => {
    const table = tableOf(match, `path: ${JSON.stringify(to)}`);
    if (wanted === undefined) expect(() => asked(table, path)).toThrow();
    else expect(asked(table, path)).toBe(wanted);
  });

  test('of a regular expression the whole path is replaced', () => {
    const table = parseRoutes(
      `version: 1
backends: { a: { url: "http://a.internal" } }
routes: [{ name: r, match: { path: { regex: "/x[0-9]+" } }, to: a, rewrite: { path: /y } }]`,
      'routes.yaml',
    );
    expect(asked(table, '/x12?q')).toBe('/y?q');
  });
});

describe('prefix', () => {
  test.each([
    ['/api/*', '/new', '/api/items/7?x=1', '/new/items/7?x=1'],
    ['/api/*', '/new', '/api', '/new'],
    ['/api/*', '/new', '/api?x', '/new?x'],
    ['/api/*', '/new', '/api/', '/new/'],
    ['/api/*', '/new/', '/api/x', '/new/x'],
    ['/api/*', '/new', '/api//x//', '/new//x//'],
    ['/api/*', '/new', '/%61pi/%2e.a%2f', '/new/%2e.a%2f'],
    ['/api/*', '/', '/api', '/'],
    ['/api/*', '/', '/api/', '/'],
    ['/api/*', '/', '/api/x', '/x'],
    ['/api/*', '/', '/api//evil.example/x', '/evil.example/x'],
    ['/api/*', '/', '/api////evil.example', '/evil.example'],
    ['/api/*', '/', '/api///', '/'],
    ['/*', '/new', '/', '/new/'],
    ['/*', '/new', '//x', '/new//x'],
    ['/shops/:shop/*', '/tenants/:shop', '/shops/no%20rth/a/b', '/tenants/no%20rth/a/b'],
  ])('%s -> %s: %s is %s', (match, to, path, wanted) => {
    expect(asked(tableOf(match, `prefix: ${JSON.stringify(to)}`), path)).toBe(wanted);
  });

  test('is of whole elements', () => {
    expect(asked(tableOf('/api/*', 'prefix: /new'), '/apiv2/x')).toBeUndefined();
  });
});

const text = fc.constantFrom(
  ...['', 'a', 'B', 'api', '...', '.a', '..;a', ';', '@evil', 'evil.example', ':80', 'http:', '%2F', '%2f'],
  ...['%5C', '%5c', '%09', '%0D%0A', '%61', '%7E', '%252e', '%00', '.', '..', '%2e', '%2E.', '~', '$&', '$1'],
);
const received = fc
  .tuple(fc.array(text, { minLength: 1, maxLength: 6 }), fc.constantFrom('', '?', '?x=../..//&%', '?a?b'))
  .map(([elements, query]) => `/${elements.join('/')}${query}`)
  .filter((path) => {
    try {
      parseTarget(path);
      return true;
    } catch {
      return false;
    }
  });
const pattern = fc
  .tuple(fc.array(fc.constantFrom('a', 'api', ':p', ':q', ''), { maxLength: 3 }), fc.boolean())
  .filter(
    ([elements]) => new Set(elements.filter((one) => one !== '')).size === elements.filter(Boolean).length,
  )
  .map(([elements, prefix]) => `/${[...elements, ...(prefix ? ['*'] : [])].join('/')}`);
const rewrite = fc
  .tuple(
    fc.constantFrom('path', 'prefix'),
    fc.array(fc.oneof(text, fc.constantFrom(':p', ':q')), { maxLength: 4 }),
  )
  .map(([key, elements]) => `${key}: ${JSON.stringify(`/${elements.join('/')}`)}`);

/** How often an accepted rewrite met a request that it applies to. */
let met = 0;

test('whatever is rewritten stays a path of this origin, without dot elements, and keeps the query', () => {
  fc.assert(
    fc.property(
      pattern,
      rewrite,
      fc.array(received, { minLength: 20, maxLength: 20 }),
      (match, to, paths) => {
        let table: RouteTable;
        try {
          table = tableOf(match, to);
        } catch (error) {
          if (error instanceof RoutesInvalid) return;
          throw error;
        }
        for (const path of paths) {
          const result = asked(table, path);
          if (result === undefined) continue;
          met++;
          const { path: written, query } = parseTarget(result);
          expect(query).toBe(parseTarget(path).query);
          expect(result).toMatch(/^\/(?!\/)/);
          const seen = new URL(result, 'http://public.example');
          expect(seen.origin).toBe('http://public.example');
          expect(seen.pathname.split('/').length).toBe(written.split('/').length);
        }
      },
    ),
    { numRuns: 1_500 },
  );
  expect(met).toBeGreaterThan(500);
});

test('what follows a replaced prefix stays byte for byte', () => {
  fc.assert(
    fc.property(received, (path) => {
      const result = asked(tableOf('/api/*', 'prefix: /some/where'), `/api${path}`);
      expect(result).toBe(`/some/where${path}`);
    }),
  );
});
