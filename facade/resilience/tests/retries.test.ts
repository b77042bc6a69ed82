import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startOrigin, startRawOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';

function startFacade(port: number, settings: string) {
  return startRunningFacade(`version: 1
backends:
  origin: { url: http://127.0.0.1:${port}, timeouts: { connect: 200ms, request: 150ms }, ${settings} }
routes: [{ name: all, match: { path: /* }, to: origin }]
`);
}

/** Closes connections without an answer so many times, and answers from then on. */
async function startFailingOrigin(
  times: number,
  fail: (socket: Socket) => void = (socket) => socket.destroy(),
) {
  const origin = { asked: 0, port: 0 };
  const raw = await startRawOrigin((socket, received) => {
    if (!/\r\n\r\n(?:hello)?$/.test(received) || /Length: 5\r\n\r\n$/.test(received)) return;
    origin.asked++;
    if (origin.asked <= times) fail(socket);
    else
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok', () => socket.end());
  });
  origin.port = raw.port;
  return origin;
}

const withBody = (method: string, ...headers: string[]) =>
  [`${method} / HTTP/1.1`, 'Host: a', ...headers, 'Content-Length: 5', '', 'hello'].join('\r\n');

describe('a read', () => {
  test('is repeated twice, and counted', async () => {
    const origin = await startFailingOrigin(2);
    const facade = await startFacade(origin.port, 'retries: { backoff: 1ms }');
    expect((await ask(facade.port, get('/'))).status).toBe(200);
    expect(origin.asked).toBe(3);
    expect(await facade.metrics()).toContain('strangler_retries_total{backend="origin"} 2');
  });

  test('is given up after that', async () => {
    const origin = await startFailingOrigin(10);
    const facade = await startFacade(origin.port, 'retries: { backoff: 1ms }');
    expect((await ask(facade.port, get('/'))).status).toBe(502);
    expect(origin.asked).toBe(3);
  });

  test('is repeated as often as the backend says', async () => {
    const origin = await startFailingOrigin(4);
    const facade = await startFacade(
      origin.port,
      'breaker: false, retries: { attempts: 4, budget: 100%, backoff: 1ms }',
    );
    // Three within the budget's floor: the fourth needs a second request.
    expect((await ask(facade.port, get('/'))).status).toBe(502);
    expect((await ask(facade.port, get('/'))).status).toBe(200);
    expect(origin.asked).toBe(5);
  });

  test('is repeated where the backend was silent', async () => {
    const origin = await startFailingOrigin(1, () => {});
    const facade = await startFacade(origin.port, 'retries: { backoff: 1ms }');
    expect((await ask(facade.port, get('/'))).status).toBe(200);
  });

  test('waits longer each time, within its jitter', async () => {
    const origin = await startFailingOrigin(3);
    const facade = await startFacade(origin.port, 'breaker: false, retries: { attempts: 3, backoff: 100ms }');
    const startedAt = performance.now();
    expect((await ask(facade.port, get('/'))).status).toBe(200);
    // 100, 200 and 400 ms at most, and three waits of nothing are as good as impossible.
    expect(performance.now() - startedAt).toBeGreaterThan(5);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test('whose client leaves meanwhile is not repeated', async () => {
    const origin = await startFailingOrigin(10);
    const facade = await startFacade(origin.port, 'retries: { backoff: 1000ms, attempts: 3 }');
    const client = (await RawClient.connect(facade.port)).send(get('/'));
    await expect.poll(() => origin.asked).toBeGreaterThan(0);
    client.socket.destroy();
    await facade.logged((line) => line.msg.startsWith('request'));
    expect(origin.asked).toBeLessThan(4);
  });

  test('that got an answer is not repeated, whatever the answer', async () => {
    const origin = await startOrigin((_, response) => response.writeHead(503).end());
    const facade = await startFacade(origin.port, 'retries: {}');
    expect((await ask(facade.port, get('/'))).status).toBe(503);
    expect(origin.asked).toHaveLength(1);
  });
});

describe('a write that reached the backend', () => {
  test.each([
    ['PUT', [], 'retries: {}', 1],
    ['GET', [], 'retries: {}', 1],
    ['POST', ['Idempotency-Key: 1'], 'retries: {}', 1],
    ['PUT', [], 'retries: { idempotent: true }', 2],
    ['DELETE', [], 'retries: { idempotent: true }', 2],
    ['POST', [], 'retries: { idempotent: true }', 1],
    ['POST', ['Idempotency-Key: 1'], 'retries: { idempotent: true }', 2],
  ] as const)('%s with a body, %j, %s: sent %i times', async (method, headers, settings, times) => {
    const origin = await startFailingOrigin(1);
    const facade = await startFacade(origin.port, settings);
    const answer = await ask(facade.port, withBody(method, ...headers));
    expect(answer.status).toBe(times === 2 ? 200 : 502);
    expect(origin.asked).toBe(times);
  });
});

test('what reached nobody is repeated, whatever it is', async () => {
  const answering = (port?: number) =>
    startRawOrigin((socket, received) => {
      if (!/\r\n\r\n(?:hello)?$/.test(received) || /Length: 5\r\n\r\n$/.test(received)) return;
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
    }, port);
  const origin = await answering();
  const facade = await startFacade(
    origin.port,
    'breaker: false, retries: { attempts: 10, backoff: 200ms, budget: 100% }',
  );
  for (let earlier = 0; earlier < 10; earlier++) expect((await ask(facade.port, get('/'))).status).toBe(200);
  await origin.close();
  const answer = ask(facade.port, withBody('POST'));
  await expect.poll(async () => /retries_total\S+ [1-9]/.test(await facade.metrics())).toBe(true);
  await answering(origin.port);
  expect((await answer).status).toBe(200);
});

test('a backend that fails gets a fifth more, not a multiple', async () => {
  const origin = await startFailingOrigin(1_000);
  const facade = await startFacade(origin.port, 'breaker: false, retries: { backoff: 1ms, attempts: 10 }');
  for (let sent = 0; sent < 50; sent++) expect((await ask(facade.port, get('/'))).status).toBe(502);
  expect(origin.asked).toBe(60);
});

test('without the key, a read is sent once more where the connection breaks, and no oftener', async () => {
  const origin = await startFailingOrigin(10);
  const facade = await startFacade(origin.port, 'breaker: false');
  expect((await ask(facade.port, get('/'))).status).toBe(502);
  expect(origin.asked).toBe(2);
});

test('while the breaker is open nothing is repeated', async () => {
  const held: Socket[] = [];
  let asked = 0;
  const origin = await startRawOrigin((socket, received) => {
    asked++;
    if (received.startsWith('GET')) held.push(socket);
    else socket.destroy();
  });
  const facade = await startRunningFacade(`version: 1
backends:
  origin: { url: http://127.0.0.1:${origin.port}, breaker: { failures: 1 }, retries: { backoff: 1ms } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`);
  const read = ask(facade.port, get('/'));
  await expect.poll(() => held.length).toBe(1);
  expect((await ask(facade.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')).status).toBe(
    502,
  );
  held[0]?.destroy();
  expect((await read).status).toBe(502);
  expect(asked).toBe(2);
});

test('stale connections are replaced at once, however many, and cost nothing of the budget', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (received.split('\r\n\r\n').length > 2) socket.resetAndDestroy();
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const facade = await startFacade(origin.port, 'retries: { backoff: 1ms, budget: 0% }');
  const round = () => Promise.all(Array.from({ length: 10 }, () => ask(facade.port, get('/'))));
  await round();
  expect((await round()).map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(await facade.metrics()).not.toContain('strangler_retries_total{');
});
