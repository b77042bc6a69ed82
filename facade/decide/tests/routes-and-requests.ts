import fc from 'fast-check';
import type { DecisionRequest } from '../request.ts';
import { request } from './table.ts';

// Few names, so that routes overlap and requests hit them.

const literal = fc.constantFrom('a', 'b', 'A', '%7e', '1');
const element = fc.oneof({ weight: 3, arbitrary: literal }, { weight: 1, arbitrary: fc.constant(':') });
const exact = fc
  .array(element, { maxLength: 3 })
  .map((elements) => `/${elements.map((text, index) => (text === ':' ? `:p${index}` : text)).join('/')}`);
const prefix = exact.map((path) => (path === '/' ? '/*' : `${path}/*`));
const regex = fc
  .constantFrom('/a/.*', '/[ab]', '/.*/b', '/a/[^/]+/b')
  .map((source) => `{ regex: "${source}" }`);

const method = fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS');
const values = fc.uniqueArray(fc.constantFrom('x: "1"', 'x: "2"', 'y: "1"'), {
  maxLength: 2,
  selector: (value) => value.charAt(0),
});

/** A route's `match`, as YAML in flow style. */
export const match: fc.Arbitrary<string> = fc
  .record({
    host: fc.option(fc.constantFrom('"shop.example"', '"*.example"', '"*.shop.example"'), { freq: 2 }),
    path: fc.oneof(
      exact.map((path) => `"${path}"`),
      prefix.map((path) => `"${path}"`),
      regex,
    ),
    caseSensitive: fc.boolean(),
    trailingSlash: fc.constantFrom('distinguish', 'ignore'),
    method: fc.option(fc.uniqueArray(method, { minLength: 1, maxLength: 2 })),
    headers: values,
    query: values,
    cookies: values,
  })
  .map(({ host, path, caseSensitive, trailingSlash, method, headers, query, cookies }) => {
    const parts = [`path: ${path}`, `caseSensitive: ${caseSensitive}`, `trailingSlash: ${trailingSlash}`];
    if (host !== null) parts.push(`host: ${host}`);
    if (method !== null) parts.push(`method: [${method.join(', ')}]`);
    for (const [key, listed] of Object.entries({ headers, query, cookies })) {
      if (listed.length > 0) parts.push(`${key}: { ${listed.join(', ')} }`);
    }
    return `{ ${parts.join(', ')} }`;
  });

const pair = fc.constantFrom('', 'x=1', 'x=2', 'y=1');

export const anyRequest: fc.Arbitrary<DecisionRequest> = fc
  .record({
    method,
    path: fc.array(fc.constantFrom('a', 'b', 'A', '~', '1', '', 'c'), { minLength: 1, maxLength: 4 }),
    host: fc.constantFrom('shop.example', 'a.shop.example', 'b.example', 'other'),
    x: fc.constantFrom(undefined, '1', '2'),
    y: fc.constantFrom(undefined, '1'),
    preflight: fc.constantFrom(undefined, 'GET', 'POST', 'HEAD', 'PUT'),
    query: fc.tuple(pair, pair),
    cookie: fc.tuple(pair, pair),
  })
  .map(({ method, path, host, x, y, preflight, query, cookie }) => {
    const headers: Record<string, string> = { host, cookie: cookie.join('; ') };
    if (x !== undefined) headers.x = x;
    if (y !== undefined) headers.y = y;
    if (preflight !== undefined) headers['access-control-request-method'] = preflight;
    return request(`${method} /${path.join('/')}?${query.join('&')}`, headers);
  });
