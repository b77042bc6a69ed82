import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { json, none, startPair } from './compared-pair.ts';
import { ask, get } from './raw-client.ts';

describe('where an answer sends its client', () => {
  const redirect =
    (to: (own: string) => string): RequestListener =>
    (request, response) => {
      response.writeHead(302, { location: to(`127.0.0.1:${request.socket.localPort}`) }).end();
    };
  test.each<[(own: string) => string, (own: string) => string]>([
    [(own) => `http://${own}/login?a=1`, (own) => `http://${own}/login?a=1`],
    [(own) => `http://${own}/login`, () => '/login'],
    [() => 'http://shop.example/login', (own) => `//${own}/login`],
    [() => 'https://shop.example/login', () => '../login'],
    [() => '/read/caf\u00e9', () => '/read/caf%C3%A9'],
    [() => 'https://login.example/x', () => 'https://login.example/x'],
  ])('equal: %s and %s', async (first, other) => {
    const { facade, counts } = await startPair(redirect(first), redirect(other));
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toEqual({ ...none, equal: 1 });
  });

  test.each<[(own: string) => string, (own: string) => string]>([
    [(own) => `http://${own}/login?a=1`, (own) => `http://${own}/login?a=2`],
    [() => '/login', () => '/login/'],
    [() => 'https://login.example/x', () => '/x'],
    [() => 'https://login.example/x', () => 'https://login2.example/x'],
  ])('different: %s and %s', async (first, other) => {
    const { facade, counts } = await startPair(redirect(first), redirect(other));
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toEqual({ ...none, different: 1, places: { 'header location (changed)': 1 } });
  });

  test('different: only one does', async () => {
    const { facade, counts } = await startPair(
      redirect(() => '/login'),
      json({}, 302),
    );
    await ask(facade.port, get('/read/x'));
    expect((await counts()).places).toMatchObject({ 'header location (missing)': 1 });
  });
});

describe('the cookies that an answer sets', () => {
  const setting =
    (...cookies: string[]): RequestListener =>
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'set-cookie': cookies }).end('x');
    };
  const later = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString();

  test('equal: other values, another order, another spelling', async () => {
    const { facade, counts } = await startPair(
      setting(
        `sid=s%3Aone; Path=/; Expires=${later(60)}; HttpOnly; SameSite=Lax`,
        'seen=1; Domain=.shop.example',
      ),
      setting('seen=2; domain=SHOP.example', `sid=two;httponly;  samesite=lax; expires=${later(99)}; path=/`),
    );
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toEqual({ ...none, equal: 1 });
  });

  test('different: names and attributes, without values', async () => {
    const { facade, counts } = await startPair(
      setting(`connect.sid=secret; Path=/; HttpOnly; Secure; Expires=${later(60)}`, 'old=1'),
      setting(`connect.sid=hidden; Path=/api; HttpOnly; Expires=${later(-60)}`, 'new=1'),
    );
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toEqual({
      ...none,
      different: 1,
      places: {
        'header set-cookie["connect.sid"][*].path (changed)': 1,
        'header set-cookie["connect.sid"][*].secure (missing)': 1,
        'header set-cookie["connect.sid"][*].expires (changed)': 1,
        'header set-cookie.old (missing)': 1,
        'header set-cookie.new (added)': 1,
      },
    });
  });

  test('equal: what the facade itself sets is nobody’s difference', async () => {
    const { facade, counts } = await startPair(setting(), setting(), 'other', '', '{ first: 1, other: 0 }');
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toEqual({ ...none, equal: 1 });
  });
});
