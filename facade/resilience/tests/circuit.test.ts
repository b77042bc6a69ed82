import { describe, expect, test } from 'vitest';
import { type WebSocket as Client, WebSocket } from 'ws';
import { startOrigin, startRawOrigin } from '../../tests/origins.ts';
import { ask, get, type RawAnswer, RawClient } from '../../tests/raw-client.ts';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';

function startFacade(port: number, settings = '', request = '100ms'): Promise<RunningFacade> {
  return startRunningFacade(`version: 1
servedBy: true
backends:
  origin: { url: http://127.0.0.1:${port}, timeouts: { connect: 200ms, request: ${request} }${settings} }
routes: [{ name: all, match: { path: /* }, to: origin }]
`);
}

/** Answers with the status that the path names; /slow with none. */
function startStatusOrigin() {
  return startOrigin((request, response) => {
    request.resume();
    if (request.url !== '/slow') response.writeHead(Number(request.url?.slice(1)) || 200).end();
  });
}

async function statuses(facade: RunningFacade, path: string, times: number): Promise<number[]> {
  const all: number[] = [];
  for (let sent = 0; sent < times; sent++) all.push((await ask(facade.port, get(path))).status);
  return all;
}

async function breakerState(facade: RunningFacade): Promise<number> {
  return Number(/strangler_breaker_state\{backend="origin"\} (\d)/.exec(await facade.metrics())?.[1]);
}

function expectOpen(answer: RawAnswer): void {
  expect(answer.status).toBe(503);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'circuit_open', route: 'all', backend: 'origin' });
  expect(Number(answer.header('retry-after'))).toBeGreaterThan(0);
}

test('by default: five failures open it, and the sixth request is answered at once, without the backend', async () => {
  const origin = await startStatusOrigin();
  const facade = await startFacade(origin.port);
  expect(await breakerState(facade)).toBe(0);
  expect(await statuses(facade, '/503', 5)).toEqual([503, 503, 503, 503, 503]);
  const answer = await ask(facade.port, get('/200'));
  expectOpen(answer);
  expect(answer.header('retry-after')).toBe('30');
  expect(origin.asked).toHaveLength(5);
  expect(await breakerState(facade)).toBe(2);
  expect(await facade.logged((line) => line.breaker === 'open')).toMatchObject({
    backend: 'origin',
    level: 'warn',
  });
  const [backend] = (await (await fetch(`${facade.adminUrl}/api/backends`)).json()) as { breaker: string }[];
  expect(backend?.breaker).toBe('open');
});

describe('what counts', () => {
  test.each(['/502', '/503', '/504', '/slow'])('%s does', async (path) => {
    const origin = await startStatusOrigin();
    const facade = await startFacade(origin.port, ', breaker: { failures: 2 }');
    await statuses(facade, path, 2);
    expectOpen(await ask(facade.port, get('/200')));
  });

  test.each(['/404', '/429', '/500', '/501', '/505'])('%s does not', async (path) => {
    const origin = await startStatusOrigin();
    const facade = await startFacade(origin.port, ', breaker: { failures: 2 }');
    await statuses(facade, path, 6);
    expect(await breakerState(facade)).toBe(0);
  });

  test('no connection does', async () => {
    const origin = await startStatusOrigin();
    const facade = await startFacade(origin.port, ', breaker: { failures: 2 }');
    await origin.close();
    expect(await statuses(facade, '/', 3)).toEqual([502, 502, 503]);
  });

  test('a connection cut before the answer does', async () => {
    const origin = await startRawOrigin((socket) => socket.destroy());
    const facade = await startFacade(origin.port, ', breaker: { failures: 2 }');
    expect(await statuses(facade, '/', 3)).toEqual([502, 502, 503]);
  });

  test('a client that leaves does not', async () => {
    const origin = await startStatusOrigin();
    const facade = await startFacade(origin.port, ', breaker: { failures: 1 }');
    const client = (await RawClient.connect(facade.port)).send(get('/slow'));
    await expect.poll(() => origin.asked.length).toBe(1);
    client.socket.destroy();
    await facade.logged((line) => line.failure === 'client_gone');
    expect(await breakerState(facade)).toBe(0);
  });

  test('an answer that breaks off after its head does not', async () => {
    const origin = await startRawOrigin((socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello', () => socket.destroy());
    });
    const facade = await startFacade(origin.port, ', breaker: { failures: 1 }');
    await expect(ask(facade.port, get('/'))).rejects.toThrow('incomplete');
    expect(await breakerState(facade)).toBe(0);
  });
});

test('half-open: three are let through and close it; a failure opens it again', async () => {
  let status = 503;
  const held: (() => void)[] = [];
  const origin = await startOrigin((request, response) => {
    if (request.url === '/held') held.push(() => response.writeHead(status).end());
    else response.writeHead(status).end();
  });
  const facade = await startFacade(origin.port, ', breaker: { failures: 1, coolDown: 50ms }');
  const cooled = () =>
    expect.poll(async () => (await ask(facade.port, get('/'))).header('x-served-by')).toBe('origin');
  await statuses(facade, '/', 1);
  expectOpen(await ask(facade.port, get('/')));
  // Once cooled down, one that fails opens it again.
  await cooled();
  await facade.logged((line) => line.breaker === 'half-open');
  expectOpen(await ask(facade.port, get('/')));

  status = 200;
  await new Promise((resolve) => setTimeout(resolve, 60));
  const trials = [1, 2, 3].map(() => ask(facade.port, get('/held')));
  await expect.poll(() => held.length).toBe(3);
  expect(await breakerState(facade)).toBe(1);
  expectOpen(await ask(facade.port, get('/')));
  for (const answer of held) answer();
  expect((await Promise.all(trials)).map((answer) => answer.status)).toEqual([200, 200, 200]);
  await facade.logged((line) => line.breaker === 'closed');
  expect(await statuses(facade, '/', 3)).toEqual([200, 200, 200]);
});

describe('a request that is let through half-open and says nothing of the backend makes room for another', () => {
  const settings =
    ', breaker: { failures: 1, coolDown: 50ms, successes: 1 }, bulkhead: { requests: 1, queue: 0 }';
  const cooledDown = () => new Promise((resolve) => setTimeout(resolve, 60));

  test('its client left', async () => {
    const origin = await startStatusOrigin();
    const facade = await startFacade(origin.port, settings, '10s');
    await statuses(facade, '/503', 1);
    await cooledDown();
    const client = (await RawClient.connect(facade.port)).send(get('/slow'));
    await expect.poll(() => origin.asked.length).toBe(2);
    expectOpen(await ask(facade.port, get('/200')));
    client.socket.destroy();
    await facade.logged((line) => line.failure === 'client_gone');
    expect(await statuses(facade, '/200', 2)).toEqual([200, 200]);
  });

  test('it found no place', async () => {
    let end = () => {};
    const origin = await startOrigin((request, response) => {
      if (request.url !== '/failing') return response.end('well');
      response.writeHead(503).write('and no end');
      end = () => response.end();
    });
    const facade = await startFacade(origin.port, settings);
    const failing = (await RawClient.connect(facade.port)).send(get('/failing'));
    await failing.until('and no end');
    await cooledDown();
    expect(JSON.parse((await ask(facade.port, get('/'))).body).code).toBe('overloaded');
    end();
    await failing.answer();
    expect((await ask(facade.port, get('/'))).body).toBe('well');
  });
});

test('breaker: false turns it off', async () => {
  const origin = await startStatusOrigin();
  const facade = await startFacade(origin.port, ', breaker: false');
  await statuses(facade, '/503', 10);
  expect(origin.asked).toHaveLength(10);
  expect(await facade.metrics()).not.toContain('strangler_breaker_state{');
});

test('a reload that leaves the backend as it was leaves the breaker open; other settings begin anew', async () => {
  const origin = await startStatusOrigin();
  const yaml = (settings: string, route: string) => `version: 1
backends: { origin: { url: "http://127.0.0.1:${origin.port}"${settings} } }
routes: [{ name: ${route}, match: { path: /* }, to: origin }]
`;
  const facade = await startRunningFacade(yaml('', 'one'));
  await statuses(facade, '/503', 5);
  await facade.replaceRoutes(yaml('', 'two'));
  await expect.poll(() => facade.table().routes[0]?.name).toBe('two');
  expect((await ask(facade.port, get('/200'))).status).toBe(503);
  await facade.replaceRoutes(yaml(', breaker: { coolDown: 10s }', 'two'));
  await expect.poll(async () => (await ask(facade.port, get('/200'))).status).toBe(200);
});

test('handshakes of WebSockets are refused, too, and count', async () => {
  const origin = await startRawOrigin((socket) => socket.destroy());
  const facade = await startFacade(origin.port, ', breaker: { failures: 2 }');
  const refused = () =>
    new Promise<{ status: number; retryAfter: string | undefined }>((resolve) => {
      const client: Client = new WebSocket(`ws://127.0.0.1:${facade.port}/`);
      client.on('error', () => {});
      client.on('unexpected-response', (_, answer) =>
        resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'] }),
      );
    });
  expect([await refused(), await refused(), await refused()]).toEqual([
    { status: 502, retryAfter: undefined },
    { status: 502, retryAfter: undefined },
    { status: 503, retryAfter: '30' },
  ]);
});
