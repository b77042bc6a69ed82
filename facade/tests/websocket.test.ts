import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { listening, startOrigin, startRawOrigin } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';
import { type RunningFacade, startFacadeBefore, startRunningFacade } from './running-facade.ts';

/** A WebSocket origin that echoes; `/close/<code>` closes at once, `/refuse` answers 401. */
async function startEcho(name = 'echo') {
  const handshakes: IncomingMessage[] = [];
  const webSockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  });
  const server = createServer((_, response) => response.end(name));
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head) => {
    handshakes.push(request);
    if (request.url === '/refuse') {
      const body = '{"error":"login required"}';
      socket.end(
        `HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const code = /^\/close\/(\d+)$/.exec(request.url ?? '')?.[1];
      if (code !== undefined) webSocket.close(Number(code), 'the origin says so');
      webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
      if (request.url === '/greet') webSocket.send(name);
    });
  });
  const port = await listening(server, 0);
  onTestFinished(async () => {
    for (const client of webSockets.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port, handshakes, clients: webSockets.clients };
}

function open(
  facade: RunningFacade,
  path = '/',
  options: { protocols?: string[]; headers?: Record<string, string> } = {},
) {
  const webSocket = new WebSocket(`ws://127.0.0.1:${facade.port}${path}`, options.protocols ?? [], {
    headers: options.headers ?? {},
  });
  onTestFinished(() => webSocket.terminate());
  return webSocket;
}

async function opened(facade: RunningFacade, path?: string, options?: Parameters<typeof open>[2]) {
  const webSocket = open(facade, path, options);
  await new Promise((resolve, reject) => {
    webSocket.once('open', resolve);
    webSocket.once('error', reject);
  });
  return webSocket;
}

function next(webSocket: WebSocket): Promise<{ data: Buffer; binary: boolean }> {
  return new Promise((resolve) => {
    webSocket.once('message', (data: RawData, binary: boolean) => resolve({ data: data as Buffer, binary }));
  });
}

function closed(webSocket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    webSocket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
}

const handshake = (path = '/', ...more: string[]) =>
  get(
    path,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...more,
  );

describe('messages pass both ways', () => {
  test('text, binary, empty, fragmented and large', async () => {
    const origin = await startEcho();
    const facade = await startFacadeBefore(origin.port);
    const webSocket = await opened(facade);
    for (const message of [
      'tickets 🎟',
      '',
      Buffer.from([0, 255, 10, 13]),
      Buffer.alloc(4 * 1024 * 1024, 7),
    ]) {
      const echo = next(webSocket);
      webSocket.send(message);
      const { data, binary } = await echo;
      expect(binary).toBe(typeof message !== 'string');
      expect(data.equals(Buffer.from(message))).toBe(true);
    }
    const echo = next(webSocket);
    webSocket.send('one ', { fin: false });
    webSocket.send('message', { fin: true });
    expect(String((await echo).data)).toBe('one message');
  });

  test('pings are answered by the backend', async () => {
    const origin = await startEcho();
    const webSocket = await opened(await startFacadeBefore(origin.port));
    const pong = new Promise((resolve) => webSocket.once('pong', (data) => resolve(String(data))));
    webSocket.ping('are you there');
    expect(await pong).toBe('are you there');
  });

  test('a message that comes along with the answer to the handshake', async () => {
    const origin = await startEcho('hello');
    const webSocket = open(await startFacadeBefore(origin.port), '/greet');
    expect(String((await next(webSocket)).data)).toBe('hello');
  });

  test('the backend chooses among the subprotocols', async () => {
    const origin = await startEcho();
    const webSocket = await opened(await startFacadeBefore(origin.port), '/', {
      protocols: ['v1.tickets', 'v2.tickets'],
    });
    expect(webSocket.protocol).toBe('v2.tickets');
  });
});

describe('the end', () => {
  test('the backend’s close code and reason reach the client', async () => {
    const origin = await startEcho();
    const webSocket = open(await startFacadeBefore(origin.port), '/close/4001');
    expect(await closed(webSocket)).toEqual({ code: 4001, reason: 'the origin says so' });
  });

  test('the client’s close code and reason reach the backend', async () => {
    const origin = await startEcho();
    const webSocket = await opened(await startFacadeBefore(origin.port));
    const [client] = origin.clients;
    const atOrigin = closed(client as WebSocket);
    webSocket.close(4002, 'the client says so');
    expect(await atOrigin).toEqual({ code: 4002, reason: 'the client says so' });
  });

  test('a client that vanishes is gone for the backend, too', async () => {
    const origin = await startEcho();
    const facade = await startFacadeBefore(origin.port);
    const webSocket = await opened(facade);
    expect(await facade.metrics()).toMatch(/^strangler_websockets_open 1$/m);
    const atOrigin = closed([...origin.clients][0] as WebSocket);
    webSocket.terminate();
    expect((await atOrigin).code).toBe(1006);
    await expect.poll(() => facade.metrics()).toMatch(/^strangler_websockets_open 0$/m);
  });

  test('a backend that vanishes is gone for the client, too', async () => {
    const origin = await startEcho();
    const webSocket = await opened(await startFacadeBefore(origin.port));
    for (const client of origin.clients) client.terminate();
    expect((await closed(webSocket)).code).toBe(1006);
  });

  test('closing the facade ends what is open', async () => {
    const origin = await startEcho();
    const facade = await startFacadeBefore(origin.port);
    const ends = [closed(await opened(facade)), closed(await opened(facade))];
    const atOrigin = [...origin.clients].map((client) => closed(client as WebSocket));
    await facade.close();
    await Promise.all([...ends, ...atOrigin]);
  });
});

describe('a handshake that comes to nothing', () => {
  test('the backend’s refusal passes, cookies and body included', async () => {
    const origin = await startEcho();
    const facade = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(facade.port)).send(handshake('/refuse'));
    const answer = await client.answer();
    expect(answer).toMatchObject({ status: 401, body: '{"error":"login required"}' });
    expect(
      answer.headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value),
    ).toEqual(['a=1', 'b=2']);
    expect(answer.header('x-served-by')).toBe('origin');
    expect(await client.closed()).toBe('end');
    expect(await facade.logged((line) => line.method === 'WEBSOCKET')).toMatchObject({
      status: 401,
      backend: 'origin',
    });
  });

  test('a backend that knows no WebSockets answers as it likes', async () => {
    const origin = await startOrigin((_, response) => response.writeHead(426).end('no'));
    const { port } = await startFacadeBefore(origin.port);
    expect(await ask(port, handshake())).toMatchObject({ status: 426, body: 'no' });
  });

  test('the backend is down: 502', async () => {
    const origin = await startOrigin((_, response) => response.end());
    const facade = await startFacadeBefore(origin.port);
    await origin.close();
    const answer = await ask(facade.port, handshake());
    expect(answer.status).toBe(502);
    expect(answer.header('content-type')).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'backend_unreachable',
      backend: 'origin',
      route: 'all',
    });
    expect(answer.body).not.toContain('127.0.0.1');
    expect(await facade.logged((line) => line.method === 'WEBSOCKET')).toMatchObject({
      status: 502,
      failure: 'unreachable',
    });
  });

  test('the backend is silent: 504 within its time-out, and it is let go', async () => {
    const origin = await startRawOrigin(() => {});
    const facade = await startFacadeBefore(origin.port, { timeouts: '{ connect: 200ms, request: 100ms }' });
    const answer = await ask(facade.port, handshake());
    expect(answer.status).toBe(504);
    expect(JSON.parse(answer.body).code).toBe('backend_answer_timeout');
    await expect.poll(() => origin.sockets.every((socket) => socket.destroyed)).toBe(true);
    expect(await facade.logged((line) => line.method === 'WEBSOCKET')).toMatchObject({ status: 504 });
  });

  test('the backend closes the connection: 502', async () => {
    const origin = await startRawOrigin((socket) => socket.destroy());
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, handshake());
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body).code).toBe('backend_reset');
  });

  test('the client leaves before the answer: the backend is let go', async () => {
    const origin = await startRawOrigin(() => {});
    const facade = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(facade.port)).send(handshake());
    await expect.poll(() => origin.sockets.length).toBe(1);
    client.socket.destroy();
    await expect.poll(() => origin.sockets.every((socket) => socket.destroyed)).toBe(true);
    await facade.logged((line) => line.failure === 'client_gone');
  });

  test('a target that is refused is refused here, too', async () => {
    const origin = await startEcho();
    const { port } = await startFacadeBefore(origin.port);
    expect((await ask(port, handshake('/a/../b'))).status).toBe(400);
    expect(origin.handshakes).toEqual([]);
  });
});

// A client asks for a WebSocket in a way that the backend refuses. A proxy that believes the switch has taken place
// passes what follows as if it were frames, and so past its own checks.
test('what follows a refused handshake reaches no backend', async () => {
  const origin = await startOrigin((_, response) => response.writeHead(400).end('no'));
  const { port } = await startFacadeBefore(origin.port);
  const client = (await RawClient.connect(port)).send(`${handshake()}${get('/smuggled')}`);
  expect((await client.answer()).status).toBe(400);
  await client.closed();
  expect(origin.asked.map(({ url }) => url)).toEqual(['/']);
});

describe('routes and headers are those of ordinary requests', () => {
  test('the route decides, and the path passes byte for byte', async () => {
    const [live, rest] = [await startEcho('live'), await startEcho('rest')];
    const facade = await startRunningFacade(`version: 1
servedBy: true
backends:
  live: { url: http://127.0.0.1:${live.port} }
  rest: { url: http://127.0.0.1:${rest.port} }
routes:
  - { name: live, match: { path: /live/* }, to: live }
  - { name: rest, match: { path: /* }, to: rest }
`);
    const webSocket = open(facade, '/live//a%2Fb;c/?q=%20');
    const upgraded = new Promise<IncomingMessage>((resolve) => webSocket.once('upgrade', resolve));
    expect((await upgraded).headers['x-served-by']).toBe('live');
    await opened(facade, '//other');
    expect(live.handshakes.map(({ url }) => url)).toEqual(['/live//a%2Fb;c/?q=%20']);
    expect(rest.handshakes.map(({ url }) => url)).toEqual(['//other']);
  });

  test('forwarded headers, Host and identity', async () => {
    const origin = await startEcho();
    const facade = await startRunningFacade(
      `version: 1
identity: { secret: "\${SECRET}" }
backends: { origin: { url: http://127.0.0.1:${origin.port}, identity: true } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`,
      { env: { SECRET: 'a secret of the tests, long enough to be one' } },
    );
    await opened(facade, '/', {
      headers: {
        host: 'shop.example',
        'x-forwarded-for': '6.6.6.6',
        'x-strangler-identity': 'forged',
        cookie: 'a=1; b=2',
      },
    });
    expect(origin.handshakes[0]?.headers).toMatchObject({
      host: 'shop.example',
      cookie: 'a=1; b=2',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'shop.example',
      'x-forwarded-proto': 'http',
      'x-strangler-identity': expect.stringMatching(/^eyJ/),
      traceparent: expect.stringMatching(/^00-/),
    });
  });

  test('a client that is divided by weight keeps its side by the cookie in the answer', async () => {
    const [a, b] = [await startEcho('a'), await startEcho('b')];
    const facade = await startRunningFacade(`version: 1
backends:
  a: { url: http://127.0.0.1:${a.port} }
  b: { url: http://127.0.0.1:${b.port} }
routes:
  - { name: live, match: { path: /live, method: GET }, to: { a: 1, b: 1 } }
`);
    const webSocket = open(facade, '/live');
    const upgraded = new Promise<IncomingMessage>((resolve) => webSocket.once('upgrade', resolve));
    expect((await upgraded).headers['set-cookie']).toEqual([expect.stringMatching(/^strangler_id=/)]);
  });

  test('it survives a reload that sends new ones elsewhere', async () => {
    const [old, young] = [await startEcho('old'), await startEcho('young')];
    const routes = (port: number) => `version: 1
backends: { origin: { url: http://127.0.0.1:${port} } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`;
    const facade = await startRunningFacade(routes(old.port));
    const webSocket = await opened(facade);
    await facade.replaceRoutes(routes(young.port));
    await facade.logged((line) => line.msg.includes('in force'));
    await opened(facade);
    expect([old.clients.size, young.clients.size]).toEqual([1, 1]);
    const echo = next(webSocket);
    webSocket.send('still here');
    expect(String((await echo).data)).toBe('still here');
  });
});
