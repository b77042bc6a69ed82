import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type HttpOrigin, startOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';

function startFacade(port: number, settings: string, top = ''): Promise<RunningFacade> {
  return startRunningFacade(`version: 1
${top}
backends: { origin: { url: "http://127.0.0.1:${port}", ${settings} } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`);
}

/** An origin that answers when it is told to; /stream begins an event stream, /download another endless answer. */
async function startHeldOrigin(): Promise<HttpOrigin & { held: ServerResponse[] }> {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((request, response) => {
    held.push(response);
    if (request.url === '/stream')
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    if (request.url === '/download') response.writeHead(200, { 'content-type': 'text/plain' });
    if (request.url !== '/') response.write('data: 1\n\n');
  });
  return { ...origin, held };
}

async function backendRequests(facade: RunningFacade): Promise<{ inside: number; waiting: number }> {
  const metrics = await facade.metrics();
  const count = (state: string) =>
    Number(
      new RegExp(`strangler_backend_requests\\{backend="origin",state="${state}"\\} (\\d+)`).exec(
        metrics,
      )?.[1],
    );
  return { inside: count('inside'), waiting: count('waiting') };
}

describe('places at a backend', () => {
  test('beyond them requests wait, in turn; beyond the queue they get 503 at once', async () => {
    const origin = await startHeldOrigin();
    const facade = await startFacade(origin.port, 'bulkhead: { requests: 2, queue: 1, wait: 10s }');
    const first = [1, 2].map(() => ask(facade.port, get('/')));
    await expect.poll(() => origin.held.length).toBe(2);
    const waits = ask(facade.port, get('/'));
    await expect.poll(() => backendRequests(facade)).toEqual({ inside: 2, waiting: 1 });
    const refused = await ask(facade.port, get('/'));
    expect([refused.status, refused.header('retry-after')]).toEqual([503, '1']);
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'overloaded', backend: 'origin' });
    expect(origin.held).toHaveLength(2);
    origin.held[0]?.end('done');
    await expect.poll(() => origin.held.length).toBe(3);
    for (const response of origin.held) response.end('done');
    for (const answer of [...first, waits]) expect((await answer).body).toBe('done');
    expect(await backendRequests(facade)).toEqual({ inside: 0, waiting: 0 });
  });

  test('nobody waits longer than the wait', async () => {
    const origin = await startHeldOrigin();
    const facade = await startFacade(origin.port, 'bulkhead: { requests: 1, wait: 50ms }');
    const first = ask(facade.port, get('/'));
    await expect.poll(() => origin.held.length).toBe(1);
    const startedAt = performance.now();
    expect((await ask(facade.port, get('/'))).status).toBe(503);
    expect(performance.now() - startedAt).toBeGreaterThan(45);
    origin.held[0]?.end();
    expect((await first).status).toBe(200);
    expect(await backendRequests(facade)).toEqual({ inside: 0, waiting: 0 });
  });

  test('a client that leaves gives up its place, and its place in the queue', async () => {
    const origin = await startHeldOrigin();
    const facade = await startFacade(origin.port, 'bulkhead: { requests: 1, wait: 10s }');
    const inside = (await RawClient.connect(facade.port)).send(get('/'));
    await expect.poll(() => origin.held.length).toBe(1);
    const waiting = (await RawClient.connect(facade.port)).send(get('/'));
    await expect.poll(() => backendRequests(facade)).toEqual({ inside: 1, waiting: 1 });
    waiting.socket.destroy();
    await expect.poll(() => backendRequests(facade)).toEqual({ inside: 1, waiting: 0 });
    inside.socket.destroy();
    await expect.poll(() => backendRequests(facade)).toEqual({ inside: 0, waiting: 0 });
  });

  test('an event stream holds none once it has begun, a download does', async () => {
    const origin = await startHeldOrigin();
    const facade = await startFacade(origin.port, 'bulkhead: { requests: 1, queue: 0 }');
    const stream = (await RawClient.connect(facade.port)).send(get('/stream'));
    await stream.until('data: 1');
    expect(await backendRequests(facade)).toEqual({ inside: 0, waiting: 0 });
    const download = (await RawClient.connect(facade.port)).send(get('/download'));
    await download.until('data: 1');
    expect((await ask(facade.port, get('/'))).status).toBe(503);
    // Its end must not give back a place that it does not hold.
    stream.socket.destroy();
    await facade.logged((line) => line.failure === 'client_gone');
    expect(await backendRequests(facade)).toEqual({ inside: 1, waiting: 0 });
  });

  test('a WebSocket holds none once it is open', async () => {
    const origin = await startHeldOrigin();
    const server = new WebSocketServer({ server: origin.server });
    const facade = await startFacade(origin.port, 'bulkhead: { requests: 1, queue: 0 }');
    const clients: WebSocket[] = [];
    for (const _ of [1, 2]) {
      const client = new WebSocket(`ws://127.0.0.1:${facade.port}/`);
      await new Promise((resolve) => client.once('open', resolve));
      clients.push(client);
      expect(await backendRequests(facade)).toEqual({ inside: 0, waiting: 0 });
    }
    for (const client of clients) client.terminate();
    server.close();
  });

  test('the other backend answers instead, where the route has one', async () => {
    const origin = await startHeldOrigin();
    const other = await startOrigin((_, response) => response.end('other'));
    const facade = await startRunningFacade(`version: 1
backends:
  origin: { url: "http://127.0.0.1:${origin.port}", bulkhead: { requests: 1, queue: 0 } }
  other: { url: "http://127.0.0.1:${other.port}" }
routes: [{ name: all, match: { path: /* }, to: origin, fallback: other }]
`);
    const first = (await RawClient.connect(facade.port)).send(get('/'));
    await expect.poll(() => origin.held.length).toBe(1);
    expect((await ask(facade.port, get('/'))).body).toBe('other');
    expect(await facade.metrics()).toContain('reason="overloaded"} 1');
    first.socket.destroy();
  });
});

describe('places in the facade', () => {
  test('beyond them requests get 503 unseen, whatever they ask', async () => {
    const origin = await startHeldOrigin();
    const facade = await startFacade(origin.port, '', 'limits: { requests: 2 }');
    const first = [1, 2].map(() => ask(facade.port, get('/')));
    await expect.poll(() => origin.held.length).toBe(2);
    const client = await RawClient.connect(facade.port);
    for (const request of [
      get('/'),
      get('/../not/looked/at'),
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi',
    ]) {
      const answer = await client.send(request).answer();
      expect([answer.status, answer.header('retry-after')]).toEqual([503, '1']);
      expect(JSON.parse(answer.body).code).toBe('overloaded');
    }
    expect((await client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n').answer('HEAD')).status).toBe(503);
    const handshake = await ask(
      facade.port,
      get(
        '/',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: x',
      ),
    );
    expect(handshake.status).toBe(503);
    expect(await facade.metrics()).toContain('strangler_requests_shed_total 5');
    for (const response of origin.held) response.end();
    await Promise.all(first);
    expect(origin.asked).toHaveLength(2);
    const next = client.send(get('/')).answer();
    await expect.poll(() => origin.held.length).toBe(3);
    origin.held[2]?.end('again');
    expect((await next).body).toBe('again');
  });
});
