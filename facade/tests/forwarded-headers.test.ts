import { describe, expect, test } from 'vitest';
import { mirror, startBytesOrigin, startOrigin } from './origins.ts';
import { ask, get } from './raw-client.ts';
import { startFacadeBefore } from './running-facade.ts';

async function mirrored(request: string, settings: { host?: string } = {}): Promise<Record<string, string>> {
  const origin = await startOrigin(mirror);
  const { port } = await startFacadeBefore(origin.port, settings);
  const { headers } = JSON.parse((await ask(port, request)).body) as { headers: Record<string, string> };
  return { ...headers, originPort: String(origin.port) };
}

describe('what the facade says of the client cannot be forged', () => {
  test('forwarded headers are written anew', async () => {
    const headers = await mirrored(
      get(
        '/',
        'X-Forwarded-For: 6.6.6.6',
        'X-Forwarded-For: 7.7.7.7',
        'x-forwarded-proto: https',
        'X-FORWARDED-HOST: evil.example',
        'X-Forwarded-Port: 1',
        'X-Forwarded-Prefix: /evil',
        'X-Forwarded-Server: evil',
        'X-Forwarded-User: admin',
        'X_Forwarded_For: 6.6.6.6',
        'Forwarded: for=6.6.6.6',
        'X-Real-IP: 6.6.6.6',
        'X-Original-URL: /admin',
        'X-Rewrite-URL: /admin',
      ),
    );
    expect(headers).toMatchObject({
      host: 'shop.example',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.example',
    });
    const forged = Object.entries(headers).filter(([, value]) => /6\.6|7\.7|evil|admin|https/.test(value));
    expect(forged).toEqual([]);
  });

  test.each(['X-Strangler-Identity: forged', 'x_strangler_identity: forged'])(
    '%s is dropped',
    async (line) => {
      expect(JSON.stringify(await mirrored(get('/', line)))).not.toContain('forged');
    },
  );

  test('naming them in Connection does not remove what the facade writes', async () => {
    const headers = await mirrored(
      get('/', 'Connection: close, X-Forwarded-For, Host, traceparent, X-Forwarded-Proto'),
    );
    expect(headers).toMatchObject({
      host: 'shop.example',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
    });
    expect(headers.traceparent).toBeDefined();
  });

  test('naming framing or content headers in Connection does not remove them', async () => {
    const headers = await mirrored(
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: content-length, content-type\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi',
    );
    expect(headers).toMatchObject({ 'content-length': '2', 'content-type': 'text/plain' });
  });
});

describe('Host', () => {
  test('is the one that the client asked for, port included', async () => {
    expect(await mirrored('GET / HTTP/1.1\r\nHost: Shop.Example:8080\r\n\r\n')).toMatchObject({
      host: 'Shop.Example:8080',
      'x-forwarded-host': 'Shop.Example:8080',
    });
  });

  test('is the backend’s own where the route file says so', async () => {
    const headers = await mirrored(get('/'), { host: 'backend' });
    expect(headers).toMatchObject({
      host: `127.0.0.1:${headers.originPort}`,
      'x-forwarded-host': 'shop.example',
    });
  });
});

describe('headers of one connection end with it', () => {
  test('of the request', async () => {
    const headers = await mirrored(
      get(
        '/',
        'Connection: keep-alive, X-Hop, x-other',
        'Connection: X-Third',
        'X-Hop: 1',
        'X-Other: 1',
        'X-Third: 1',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eDp5',
        'TE: trailers',
        'Trailer: X-Sum',
        'X-End-To-End: 1',
      ),
    );
    expect(headers['x-end-to-end']).toBe('1');
    for (const name of [
      'x-hop',
      'x-other',
      'x-third',
      'keep-alive',
      'proxy-connection',
      'proxy-authorization',
      'te',
      'trailer',
    ]) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers.connection).toBe('keep-alive');
  });

  test('of the answer', async () => {
    const origin = await startBytesOrigin(
      'HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=77\r\nProxy-Authenticate: Basic\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nX-End-To-End: 1\r\nContent-Length: 2\r\n\r\nok',
    );
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, get('/'));
    expect(answer.header('x-end-to-end')).toBe('1');
    for (const name of ['x-hop', 'proxy-authenticate', 'proxy-connection', 'upgrade']) {
      expect(answer.header(name)).toBeUndefined();
    }
    expect(answer.header('keep-alive')).not.toBe('timeout=77');
    expect(answer.header('connection')).toBe('keep-alive');
  });
});

describe('traceparent', () => {
  const valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  test('is passed on with its state, and logged', async () => {
    const origin = await startOrigin(mirror);
    const facade = await startFacadeBefore(origin.port);
    const answer = await ask(facade.port, get('/', `traceparent: ${valid}`, 'tracestate: a=1'));
    expect(JSON.parse(answer.body).headers).toMatchObject({ traceparent: valid, tracestate: 'a=1' });
    await facade.logged((line) => line.trace === '4bf92f3577b34da6a3ce929d0e0e4736');
  });

  test.each([
    [],
    ['traceparent: nonsense', 'tracestate: a=1'],
    [`traceparent: ${valid}`, `traceparent: ${valid}`, 'tracestate: a=1'],
  ])('is made where there is none that is valid: %j %j %j', async (...lines) => {
    const headers = await mirrored(get('/', ...(lines as string[])));
    expect(headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(headers.traceparent).not.toContain('4bf92f');
    expect(headers).not.toHaveProperty('tracestate');
  });
});
