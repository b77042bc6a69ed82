import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxTargetLength, parseTarget, TargetRefused } from '../target.ts';

function refusal(raw: string, method?: string): string {
  try {
    parseTarget(raw, method);
  } catch (error) {
    if (error instanceof TargetRefused) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('what is kept', () => {
  test.each([
    ['/', ['']],
    ['/api', ['api']],
    ['/api/', ['api', '']],
    ['//api', ['', 'api']],
    ['/a//b', ['a', '', 'b']],
    ['/a%2fb/c', ['a%2Fb', 'c']],
    ['/a;x=1/b', ['a;x=1', 'b']],
    ['/%61%70%69', ['api']],
    ['/%7Euser', ['~user']],
    ['/%c3%a9', ['%C3%A9']],
    ['/a%5Cb', ['a%5Cb']],
    ['/%2561', ['%2561']],
    ['/...', ['...']],
    ['/.well-known/x', ['.well-known', 'x']],
    ['/a..b/..c/d..', ['a..b', '..c', 'd..']],
    ['/a|b^c"<>', ['a|b^c"<>']],
  ])('%s', (raw, elements) => {
    const target = parseTarget(raw);
    expect(target.elements).toEqual(elements);
    expect(target).toMatchObject({ raw, path: raw, query: undefined, authority: undefined });
  });

  test('the query starts at the first question mark and is not interpreted', () => {
    expect(parseTarget('/x?a=1?b=2')).toMatchObject({ path: '/x', query: 'a=1?b=2' });
    expect(parseTarget('/x?')).toMatchObject({ path: '/x', query: '' });
    expect(parseTarget('/x?q=100%&p=a\\b&up=/../')).toMatchObject({ query: 'q=100%&p=a\\b&up=/../' });
  });
});

describe('what is refused', () => {
  test.each([
    '/..',
    '/.',
    '/a/../b',
    '/a/./b',
    '/a/%2e%2e/b',
    '/a/.%2E/b',
    '/a/%2E',
    '/a/..;x=1/b',
    '/a/.;/b',
    '/a/%2e%2e;v/b',
    '/a/..%3Bx',
    '/a/..%2Fadmin',
    '/a%2f..%2fadmin',
    '/a%5c..%5cadmin',
    '/a/%c0%ae%c0%ae/b',
    'http://shop.example/../x',
  ])('the dot element of %s', (raw) => {
    expect(refusal(raw)).toBe('path_dot_element');
  });

  test.each([
    ['/a\0b', 'path_nul'],
    ['/a%00b', 'path_nul'],
    ['/a\\b', 'path_backslash'],
    ['/a#b', 'target_illegal_character'],
    ['/a?b#c', 'target_illegal_character'],
    ['/a b', 'target_illegal_character'],
    ['/a\tb', 'target_illegal_character'],
    ['/a\x7fb', 'target_illegal_character'],
    ['/caf\u00e9', 'target_illegal_character'],
    ['/a%', 'path_malformed_escape'],
    ['/a%2', 'path_malformed_escape'],
    ['/a%zz', 'path_malformed_escape'],
    ['/a%u002e', 'path_malformed_escape'],
    ['', 'target_form_not_supported'],
    ['api', 'target_form_not_supported'],
    ['?x', 'target_form_not_supported'],
    ['*', 'target_form_not_supported'],
    ['shop.example:443', 'target_form_not_supported'],
    ['ftp://shop.example/x', 'target_form_not_supported'],
    ['http:///x', 'target_form_not_supported'],
    ['http://user:secret@shop.example/x', 'target_form_not_supported'],
    [`/${'a'.repeat(maxTargetLength)}`, 'target_too_long'],
  ])('%j is %s', (raw, code) => {
    expect(refusal(raw)).toBe(code);
  });

  test('a target that is too long is answered with 414, any other with 400', () => {
    expect(() => parseTarget(`/${'a'.repeat(maxTargetLength)}`)).toThrow(
      expect.objectContaining({ status: 414 }),
    );
    expect(() => parseTarget('/..')).toThrow(expect.objectContaining({ status: 400 }));
    expect(refusal(`/${'a'.repeat(maxTargetLength - 1)}`)).toBe('accepted');
  });
});

test('an absolute target gives its path and its authority', () => {
  expect(parseTarget('http://Shop.example:8080/a?b')).toMatchObject({
    path: '/a',
    query: 'b',
    authority: 'Shop.example:8080',
  });
  expect(parseTarget('HTTPS://[::1]')).toMatchObject({ path: '/', query: undefined, authority: '[::1]' });
  expect(parseTarget('http://shop.example?b')).toMatchObject({ path: '/', query: 'b' });
});

test('OPTIONS may ask about the server as a whole', () => {
  expect(parseTarget('*', 'OPTIONS')).toMatchObject({ path: '*', elements: [] });
});

test('escaping an unreserved character never changes what is matched', () => {
  const element = fc.stringMatching(/^[a-z0-9_~-]{1,8}$/);
  fc.assert(
    fc.property(
      fc.array(element, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.boolean()),
      (elements, coin) => {
        const escaped = `/${elements.join('/')}`.replace(/[^/]/g, (character) =>
          coin.next().value ? `%${character.charCodeAt(0).toString(16)}` : character,
        );
        expect(parseTarget(escaped).elements).toEqual(elements);
        expect(parseTarget(escaped).path).toBe(escaped);
      },
    ),
  );
});
