import express from 'express';
import { describe, expect, test } from 'vitest';
import { bodyOf, startBytesOrigin, startOrigin, startRawOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { type ApplicationSettings, startApplication } from './running-application.ts';

const routes = (port: number, more = '') => `version: 1
servedBy: true
backends:
  monolith: { url: http://127.0.0.1:9 }
  service: { url: http://127.0.0.1:${port}, breaker: false, timeouts: { connect: 300ms, request: 300ms, idle: 300ms } }
routes:
  - { name: api, match: { path: /api/* }, to: service${more} }
`;

/** The application's own handlers say what they got. */
const own: NonNullable<ApplicationSettings['build']> = (app, strangled) => {
  app.use(strangled);
  app.use(express.json());
  app.use((request, response) => void response.json({ own: request.method, body: request.body }));
};

async function startBefore(port: number, settings: ApplicationSettings & { more?: string } = {}) {
  const { more, ...rest } = settings;
  return startApplication(routes(port, more), { build: own, ...rest });
}

/** Nobody listens there, and it is none of those that are given out, so that no other test gets it. */
const portOfNobody = 1;

const json = (method: string, body?: string) =>
  body === undefined ? { method } : { method, body, headers: { 'content-type': 'application/json' } };

describe('a service that is down', () => {
  test.each(['GET', 'POST', 'PATCH', 'PUT', 'DELETE'])('%s: the application answers', async (method) => {
    const app = await startBefore(portOfNobody);
    const answer = await fetch(`${app.url}/api/x`, json(method, method === 'GET' ? undefined : '{"a":1}'));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-served-by')).toBe('monolith');
    expect(await answer.json()).toMatchObject({
      own: method,
      ...(method === 'GET' ? {} : { body: { a: 1 } }),
    });
    expect(await app.metrics()).toContain(
      'strangler_fallbacks_total{route="api",from="service",to="monolith",reason="unreachable"} 1',
    );
  });

  test('an upload of 4 MB, of which nothing was taken, is the application’s to read', async () => {
    const app = await startBefore(portOfNobody, {
      build(express, strangled) {
        express.use(strangled);
        express.use(async (request, response) => {
          response.send(String((await bodyOf(request)).length));
        });
      },
    });
    const size = 4 * 1024 * 1024;
    const answer = await fetch(`${app.url}/api/x`, { method: 'POST', body: Buffer.alloc(size) });
    expect(await answer.text()).toBe(String(size));
  });

  test('a body that was parsed before is the application’s as it is', async () => {
    const app = await startBefore(portOfNobody, {
      build(express_, strangled) {
        express_.use(express.json(), strangled);
        express_.use((request, response) => void response.json(request.body));
      },
    });
    expect(await (await fetch(`${app.url}/api/x`, json('POST', '{"a":1}'))).json()).toEqual({ a: 1 });
  });

  test('without fallback: the facade’s problem', async () => {
    const app = await startBefore(portOfNobody, { fallback: false });
    const answer = await fetch(`${app.url}/api/x`);
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ code: 'backend_unreachable', backend: 'service' });
  });

  test('a write of a group’s data is not the application’s, unless the option says so', async () => {
    const port = portOfNobody;
    const careful = await startBefore(port, { more: ', group: orders' });
    expect((await fetch(`${careful.url}/api/x`, json('POST', '{}'))).status).toBe(502);
    const told = await startBefore(port, { more: ', group: orders', fallback: true });
    expect((await fetch(`${told.url}/api/x`, json('POST', '{}'))).status).toBe(200);
  });

  test('a route’s own fallback counts more than the option', async () => {
    const port = portOfNobody;
    const app = await startBefore(port, { more: ', fallback: monolith', fallback: false });
    expect(await (await fetch(`${app.url}/api/x`)).json()).toMatchObject({ own: 'GET' });
  });

  test('after many failures it is not asked any more, and the application answers at once', async () => {
    const origin = await startRawOrigin((socket) => socket.destroy());
    const text = routes(origin.port).replace('breaker: false', 'breaker: { failures: 2 }');
    const app = await startApplication(text, { build: own });
    for (let sent = 0; sent < 5; sent++) expect((await fetch(`${app.url}/api/x`)).status).toBe(200);
    expect(origin.sockets.length).toBeLessThan(5);
    expect(await app.metrics()).toContain('reason="circuit_open"');
  });
});

describe('a service that fails after it got the request', () => {
  const ends = {
    'closes the connection': () => startRawOrigin((socket) => void socket.end()),
    'is silent': () => startRawOrigin(() => {}),
    'speaks no HTTP': () => startBytesOrigin('noise\r\n\r\n'),
  };

  test.each(Object.entries(ends))('%s: the application answers a GET', async (_, start) => {
    const app = await startBefore((await start()).port);
    const answer = await fetch(`${app.url}/api/x`);
    expect(answer.headers.get('x-served-by')).toBe('monolith');
    expect(await answer.json()).toMatchObject({ own: 'GET' });
  });

  test.each(Object.entries(ends))('%s: a POST is not done twice', async (_, start) => {
    const origin = await start();
    const app = await startBefore(origin.port);
    const answer = await fetch(`${app.url}/api/x`, json('POST', '{"a":1}'));
    expect([502, 504]).toContain(answer.status);
    expect(((await answer.json()) as { code: string }).code).toMatch(/^backend_/);
    expect(origin.sockets).toHaveLength(1);
  });

  test('a PUT whose body has gone to the service has none left for the application', async () => {
    const origin = await startRawOrigin((socket, received) => {
      if (received.includes('{"a":1}')) socket.destroy();
    });
    const app = await startBefore(origin.port);
    const answer = await fetch(`${app.url}/api/x`, json('PUT', '{"a":1}'));
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ code: 'backend_reset', backend: 'service' });
  });

  test.each([
    [', fallback: monolith', '', 'backend_reset'],
    ['', ', retries: { attempts: 1, idempotent: true }', 'backend_unavailable'],
  ])('not even if it was kept for others%s%s', async (more, retries, code) => {
    let visited = 0;
    const origin = await startRawOrigin((socket, received) => {
      if (received.includes('{"a":1}')) socket.destroy();
    });
    const text = routes(origin.port, more).replace('breaker: false', `breaker: false${retries}`);
    const app = await startApplication(text, {
      build(express, strangled) {
        express.use(strangled);
        express.use(() => visited++);
      },
    });
    const answer = await fetch(`${app.url}/api/x`, json('PUT', '{"a":1}'));
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([502, code]);
    expect(visited).toBe(0);
  });

  test('a PUT whose body was parsed before is the application’s', async () => {
    const origin = await startRawOrigin((socket) => socket.destroy());
    const app = await startBefore(origin.port, {
      build(express_, strangled) {
        express_.use(express.json(), strangled);
        express_.use((request, response) => void response.json(request.body));
      },
    });
    expect(await (await fetch(`${app.url}/api/x`, json('PUT', '{"a":1}'))).json()).toEqual({ a: 1 });
  });

  test('once a byte of the answer is out, nobody else answers', async () => {
    const origin = await startBytesOrigin(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
      (socket) => setTimeout(() => socket.destroy(), 10),
    );
    const app = await startBefore(origin.port);
    const client = (await RawClient.connect(app.port)).send(get('/api/x'));
    await client.until('hello');
    await expect(client.answer()).rejects.toThrow('incomplete answer');
  });

  test('an error that the service answers is the answer', async () => {
    const origin = await startOrigin((_, response) => response.writeHead(503).end('busy'));
    const app = await startBefore(origin.port);
    expect(await ask(app.port, get('/api/x'))).toMatchObject({ status: 503, body: 'busy' });
  });

  test('a client that leaves meanwhile is not the application’s', async () => {
    let visited = 0;
    const origin = await startRawOrigin(() => {});
    const app = await startBefore(origin.port, {
      build(express, strangled) {
        express.use(strangled);
        express.use(() => visited++);
      },
    });
    const client = (await RawClient.connect(app.port)).send(get('/api/x'));
    await expect.poll(() => origin.sockets.length).toBe(1);
    client.socket.destroy();
    await app.logged((line) => line.failure === 'client_gone');
    await expect.poll(() => origin.sockets.every((socket) => socket.destroyed)).toBe(true);
    expect(visited).toBe(0);
  });
});
