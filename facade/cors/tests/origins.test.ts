import { describe, expect, test } from 'vitest';
import { compileOrigins, OriginRefused } from '../origins.ts';

const shop = compileOrigins(['https://shop.example', 'https://*.shop.example', 'http://localhost:5173']);

describe('an origin that is allowed', () => {
  test.each([
    'https://shop.example',
    'https://www.shop.example',
    'https://a.b.shop.example',
    'http://localhost:5173',
  ])('%s', (origin) => expect(shop(origin)).toBe(true));
});

describe('attacks: an origin that only looks like one', () => {
  test.each([
    ['a suffix of the name', 'https://evilshop.example'],
    ['the name as a subdomain of another', 'https://shop.example.evil.com'],
    ['a subdomain of that', 'https://www.shop.example.evil.com'],
    ['the other scheme', 'http://shop.example'],
    ['another port', 'https://shop.example:8443'],
    ['another port below', 'https://www.shop.example:8443'],
    ['nothing in place of the *', 'https://.shop.example'],
    ['an empty label', 'https://a..shop.example'],
    ['a path before the suffix', 'https://evil.com/.shop.example'],
    ['a fragment before the suffix', 'https://evil.com#.shop.example'],
    ['a query before the suffix', 'https://evil.com?.shop.example'],
    ['a user name', 'https://shop.example@evil.com'],
    ['a user name before the suffix', 'https://evil.com:443@x.shop.example'],
    ['a backslash before the suffix', 'https://evil.com\\.shop.example'],
    ['an escape', 'https://evil.com%2f.shop.example'],
    ['a NUL', 'https://evil.com\0.shop.example'],
    ['two origins', 'https://evil.com, https://shop.example'],
    ['two origins, the end of which fits', 'https://evil.com https://www.shop.example'],
    ['a slash at the end', 'https://shop.example/'],
    ['upper case, which no browser sends', 'https://SHOP.example'],
    ['null', 'null'],
    ['nothing', ''],
    ['the entry itself', 'https://*.shop.example'],
    ['a dot for any character', 'https://wwwxshop.example'],
    ['no end', `https://${'a.'.repeat(100_000)}shop.example`],
  ])('%s', (_, origin) => expect(shop(origin)).toBe(false));
});

test('entries are read as browsers write origins', () => {
  const allows = compileOrigins([
    'HTTPS://Shop.Example:443',
    'https://bücher.example',
    'capacitor://localhost',
  ]);
  expect(allows('https://shop.example')).toBe(true);
  expect(allows('https://xn--bcher-kva.example')).toBe(true);
  expect(allows('capacitor://localhost')).toBe(true);
  expect(allows('https://localhost')).toBe(false);
});

describe('an entry that is refused', () => {
  test.each([
    ['null', /sandboxed/i],
    ['*', /without a list/],
    ['shop.example', /https:\/\/shop\.example/],
    ['https://shop.example/', /no path/],
    ['https://shop.example/app', /no path/],
    ['https://user@shop.example', /scheme, host/],
    ['https://shop.*', /whole labels/],
    ['https://www.*.example', /whole labels/],
    ['https://*', /whole labels/],
    ['https://*.com', /domain of yours/],
    ['https://*.com:8443', /domain of yours/],
    ['https://shop.example:99999', /port/],
    ['https://shop.example.', /port/],
  ])('%s', (entry, hint) => {
    const compiled = () => compileOrigins([entry]);
    expect(compiled).toThrow(OriginRefused);
    try {
      compiled();
    } catch (error) {
      expect((error as OriginRefused).hint).toMatch(hint);
    }
  });
});
