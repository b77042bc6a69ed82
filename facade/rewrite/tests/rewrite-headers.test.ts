import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Origins, publicLocation, withCookieDomain } from '../rewrite-headers.ts';

const origins: Origins = {
  own: ['http://10.0.0.7:4000', 'https://legacy.internal'],
  scheme: 'https',
  host: 'shop.example',
};

describe('Location', () => {
  test.each([
    ['http://10.0.0.7:4000/login?next=/a', 'https://shop.example/login?next=/a'],
    ['HTTP://10.0.0.7:4000/login', 'https://shop.example/login'],
    ['http://10.0.0.7:4000', 'https://shop.example'],
    ['http://10.0.0.7:4000?x#y', 'https://shop.example?x#y'],
    ['//10.0.0.7:4000/x', '//shop.example/x'],
    ['https://legacy.internal/x', 'https://shop.example/x'],
    ['https://LEGACY.internal:443/x', 'https://shop.example/x'],
    ['http://10.0.0.7:4000//evil.example', 'https://shop.example//evil.example'],
  ])('%s points at the client’s origin: %s', (location, wanted) => {
    expect(publicLocation(location, origins)).toBe(wanted);
  });

  test.each([
    '/login',
    'login',
    '?x',
    '',
    'http://10.0.0.7/login',
    'http://10.0.0.7:4001/login',
    'https://10.0.0.7:4000/login',
    'http://legacy.internal/x',
    'http://10.0.0.7:4000@evil.example/',
    'http://user@10.0.0.7:4000/',
    'http://10.0.0.7:4000.evil.example/',
    'http://10.0.0.7:4000\\@evil.example/',
    'http:/10.0.0.7:4000/x',
    'javascript://10.0.0.7:4000/%0aalert(1)',
    'https://shop.example/x',
  ])('%s stays', (location) => {
    expect(publicLocation(location, origins)).toBe(location);
  });

  test('stays where the client named no host', () => {
    const location = 'http://10.0.0.7:4000//evil.example';
    expect(publicLocation(location, { ...origins, host: '' })).toBe(location);
  });

  test('what is changed leads to the client’s origin, and nowhere else did it lead to the backend’s', () => {
    const part = fc.constantFrom(
      'http:',
      'https:',
      '//',
      '/',
      '\\',
      '@',
      '10.0.0.7',
      ':4000',
      'legacy.internal',
      '.',
      '?',
      '#',
      'x',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const location = parts.join('');
        const result = publicLocation(location, origins);
        if (result === location) return;
        expect(origins.own.some((own) => new URL(location, own).origin === own)).toBe(true);
        expect(new URL(result, 'https://x.example').origin).toBe('https://shop.example');
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('Set-Cookie', () => {
  const domains = new Map([
    ['legacy.internal', 'shop.example'],
    ['old.internal', null],
  ]);

  test.each([
    ['a=1; Domain=legacy.internal; Path=/', 'a=1; Domain=shop.example; Path=/'],
    ['a=1;domain=.LEGACY.internal;Secure', 'a=1;domain=shop.example;Secure'],
    ['a=1; Path=/;  Domain =  legacy.internal  ', 'a=1; Path=/;  Domain =  shop.example  '],
    ['a=1; Domain=old.internal; Path=/', 'a=1; Path=/'],
    ['a=1; Domain=old.internal', 'a=1'],
    ['a=1; Domain=old.internal; Domain=legacy.internal', 'a=1; Domain=shop.example'],
  ])('%s becomes %s', (cookie, wanted) => {
    expect(withCookieDomain(cookie, domains)).toBe(wanted);
  });

  test.each([
    'Domain=legacy.internal',
    'Domain=legacy.internal; Path=/',
    'a="Domain=legacy.internal"; Path=/',
    'a=1; Domain=notlegacy.internal',
    'a=1; Domain=legacy.internal.evil.example',
    'a=1; Domain=sub.legacy.internal',
    'a=1; XDomain=legacy.internal; Domain',
    'a=1; Domain=',
    'a=1; Path=/Domain=legacy.internal; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
    '',
    ';;',
  ])('%s stays byte for byte', (cookie) => {
    expect(withCookieDomain(cookie, domains)).toBe(cookie);
  });
});
