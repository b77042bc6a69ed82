import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { mirror, startBytesOrigin, startOrigin } from './origins.ts';
import { ask, get } from './raw-client.ts';
import { startRunningFacade } from './running-facade.ts';

/** A facade whose only route has this match and rewrite, before `origin`. */
function facadeWith(port: number, match: string, rewrite: string, more = '') {
  return startRunningFacade(
    `version: 1
servedBy: true
backends: { origin: { url: "http://127.0.0.1:${port}" } }
routes: [{ name: one, match: { path: "${match}" }, to: origin, rewrite: ${rewrite}${more} }]
`,
    { env: { TOKEN: 's3cret' } },
  );
}

const asked = (body: string) => JSON.parse(body) as { url: string; rawHeaders: string[] };
const values = (rawHeaders: readonly string[], name: string) =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);

test('the path: the backend gets the new one with the query as received, the log the old one', async () => {
  const origin = await startOrigin(mirror);
  const facade = await facadeWith(origin.port, '/items/:itemId', '{ path: "/v2/items/:itemId" }');
  const answer = await ask(facade.port, get('/items/a%2Fb;c?q=%zz&r=/../x'));
  expect(asked(answer.body).url).toBe('/v2/items/a%2Fb;c?q=%zz&r=/../x');
  expect(facade.log.find(({ msg }) => msg === 'request')).toMatchObject({ path: '/items/a%2Fb;c' });
  const absolute = await ask(facade.port, get('http://other.example/items/7'));
  expect(asked(absolute.body).url).toBe('/v2/items/7');
});

test('a prefix, that of a WebSocket too', async () => {
  const origin = await startOrigin(mirror);
  const webSockets = new WebSocketServer({ server: origin.server });
  onTestFinished(() => webSockets.close());
  const facade = await facadeWith(origin.port, '/api/*', '{ prefix: / }');
  expect(asked((await ask(facade.port, get('/api//evil.example?x'))).body).url).toBe('/evil.example?x');
  const handshake = new Promise<string | undefined>((resolve) =>
    webSockets.once('connection', (_, request) => resolve(request.url)),
  );
  const client = new WebSocket(`ws://127.0.0.1:${facade.port}/api/live?room=1`);
  onTestFinished(() => client.terminate());
  await new Promise((resolve) => client.once('open', resolve));
  expect(await handshake).toBe('/live?room=1');
});

describe('headers', () => {
  const changes = `{
    requestHeaders: { set: { X-Token: "\${TOKEN}", Accept: "*/*" }, add: { X-List: b }, remove: [Cookie, X-Gone] },
    responseHeaders: { set: { Cache-Control: no-store }, add: { Vary: X-Side }, remove: [Server] } }`;

  test('of the request: set, added, removed; a client cannot bring its own', async () => {
    const origin = await startOrigin(mirror);
    const facade = await facadeWith(origin.port, '/*', changes);
    const lines = [
      'x-token: mine',
      'X-TOKEN: mine too',
      'Accept: text/html',
      'X-List: a',
      'cookie: a=1',
      'x-kept: 1',
    ];
    const { rawHeaders } = asked((await ask(facade.port, get('/', ...lines, 'X-Gone: 1'))).body);
    expect(values(rawHeaders, 'x-token')).toEqual(['s3cret']);
    expect(values(rawHeaders, 'accept')).toEqual(['*/*']);
    expect(values(rawHeaders, 'x-list')).toEqual(['a', 'b']);
    expect(values(rawHeaders, 'cookie')).toEqual([]);
    expect(values(rawHeaders, 'x-gone')).toEqual([]);
    expect(values(rawHeaders, 'x-kept')).toEqual(['1']);
  });

  test('of the answer, and those of the facade stay', async () => {
    const origin = await startBytesOrigin(
      'HTTP/1.1 200 OK\r\nServer: old\r\ncache-control: public\r\nVary: Accept\r\nX-Kept: é\r\nContent-Length: 2\r\n\r\nok',
    );
    const facade = await facadeWith(origin.port, '/*', changes);
    const answer = await ask(facade.port, get('/'));
    expect(answer.body).toBe('ok');
    const all = answer.headers.flat();
    expect(values(all, 'server')).toEqual([]);
    expect(values(all, 'cache-control')).toEqual(['no-store']);
    expect(values(all, 'vary')).toEqual(['Accept', 'X-Side']);
    expect(values(all, 'x-kept')).toEqual(['é']);
    expect(values(all, 'x-served-by')).toEqual(['origin']);
  });

  test('of a WebSocket’s handshake and its answer', async () => {
    const origin = await startOrigin(mirror);
    const webSockets = new WebSocketServer({ server: origin.server });
    webSockets.on('headers', (headers) => headers.push('Server: old', 'Set-Cookie: a=1', 'Set-Cookie: b=2'));
    onTestFinished(() => webSockets.close());
    const facade = await facadeWith(origin.port, '/*', changes);
    const handshake = new Promise<string[]>((resolve) =>
      webSockets.once('connection', (_, request) => resolve(request.rawHeaders)),
    );
    const client = new WebSocket(`ws://127.0.0.1:${facade.port}/`, { headers: { cookie: 'a=1' } });
    onTestFinished(() => client.terminate());
    const opened = new Promise((resolve) => client.once('open', resolve));
    const answered = new Promise<string[]>((resolve) =>
      client.once('upgrade', ({ rawHeaders }) => resolve(rawHeaders)),
    );
    const rawHeaders = await handshake;
    expect(values(rawHeaders, 'x-token')).toEqual(['s3cret']);
    expect(values(rawHeaders, 'cookie')).toEqual([]);
    const answer = await answered;
    await opened;
    expect(values(answer, 'server')).toEqual([]);
    expect(values(answer, 'vary')).toEqual(['X-Side']);
    expect(values(answer, 'set-cookie')).toEqual(['a=1', 'b=2']);
    expect(values(answer, 'x-served-by')).toEqual(['origin']);
  });

  test('explain and /api/routes show no value of one', async () => {
    const origin = await startOrigin(mirror);
    const facade = await facadeWith(origin.port, '/*', changes);
    expect(JSON.stringify(await facade.routes())).not.toContain('s3cret');
  });
});

describe('Location and cookies', () => {
  const settings = '{ location: true, cookieDomain: { legacy.internal: shop.example, old.internal: null } }';

  test('point at what the client asked', async () => {
    const origin = await startOrigin((_, response) => {
      response.writeHead(302, [
        ['Location', `http://127.0.0.1:${origin.port}/login?next=http://127.0.0.1/`],
        ['Set-Cookie', 'a="Domain=legacy.internal"; Domain=.legacy.internal; Path=/; HttpOnly'],
        ['set-cookie', 'b=2; Path=/; domain=old.internal'],
        ['Set-Cookie', 'c=3; Domain=other.internal'],
      ]);
      response.end();
    });
    const facade = await facadeWith(origin.port, '/*', settings);
    const answer = await ask(facade.port, get('/'));
    expect(answer.header('location')).toBe('http://shop.example/login?next=http://127.0.0.1/');
    expect(values(answer.headers.flat(), 'set-cookie')).toEqual([
      'a="Domain=legacy.internal"; Domain=shop.example; Path=/; HttpOnly',
      'b=2; Path=/',
      'c=3; Domain=other.internal',
    ]);
  });

  test('pass untouched where the route does not say so', async () => {
    const origin = await startOrigin((_, response) => {
      response.writeHead(302, {
        location: `http://127.0.0.1:${origin.port}/`,
        'set-cookie': 'a=1; Domain=legacy.internal',
      });
      response.end();
    });
    const facade = await facadeWith(origin.port, '/*', '{ prefix: /x }');
    const answer = await ask(facade.port, get('/'));
    expect(answer.header('location')).toBe(`http://127.0.0.1:${origin.port}/`);
    expect(answer.header('set-cookie')).toBe('a=1; Domain=legacy.internal');
  });
});
