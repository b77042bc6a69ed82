import { describe, expect, test } from 'vitest';
import { startOrigin } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';
import { startRunningFacade } from './running-facade.ts';

async function startWith(faults: string) {
  const origin = await startOrigin((_, response) => response.end('ok'));
  const facade = await startRunningFacade(`version: 1
allowFaults: true
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - { name: one, match: { path: /one/* }, to: origin, faults: ${faults} }
  - { name: rest, match: { path: /* }, to: origin }
`);
  return { origin, facade };
}

describe('an abort', () => {
  test('answers a problem that says so, asks no backend, and is counted', async () => {
    const { origin, facade } = await startWith('{ abort: 503 }');
    const answer = await ask(facade.port, get('/one/x'));
    expect(answer.status).toBe(503);
    expect(answer.header('x-fault-injected')).toBe('abort');
    expect(answer.header('content-type')).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'fault_injected', status: 503, route: 'one' });
    expect(origin.asked).toEqual([]);
    expect(await facade.metrics()).toContain('strangler_faults_injected_total{route="one",kind="abort"} 1');
    expect((await facade.routes()).routes[0]).toMatchObject({ name: 'one', faults: true });
    expect(facade.log.find(({ level }) => level === 'warn')).toMatchObject({ routes: ['one'] });
  });

  test('leaves other routes, and the connection, as they are', async () => {
    const { facade } = await startWith('{ abort: 500 }');
    const client = await RawClient.connect(facade.port);
    expect(
      (await client.send('POST /one/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi').answer()).status,
    ).toBe(500);
    const other = await client.send(get('/other')).answer();
    expect(other).toMatchObject({ status: 200, body: 'ok' });
    expect(other.header('x-fault-injected')).toBeUndefined();
  });

  test('happens to a share of the requests', async () => {
    const { facade } = await startWith('{ abort: 503, percent: 50 }');
    const client = await RawClient.connect(facade.port);
    const statuses = new Map<number, number>();
    for (let request = 0; request < 200; request++) {
      const { status } = await client.send(get('/one/x')).answer();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    // 100 are meant; 6 standard deviations are 43.
    expect(statuses.get(503)).toBeGreaterThan(50);
    expect(statuses.get(200)).toBeGreaterThan(50);
    expect(statuses.size).toBe(2);
  });

  test('refuses a WebSocket as well', async () => {
    const { facade } = await startWith('{ abort: 503 }');
    const handshake = get(
      '/one/x',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    );
    const answer = await ask(facade.port, handshake);
    expect(answer.status).toBe(503);
    expect(answer.header('x-fault-injected')).toBe('abort');
  });
});

describe('a delay', () => {
  test('comes before the backend is asked, and the answer says so', async () => {
    const { origin, facade } = await startWith('{ delay: 150ms }');
    const startedAt = performance.now();
    const answer = await ask(facade.port, get('/one/x'));
    expect(performance.now() - startedAt).toBeGreaterThan(145);
    expect(answer).toMatchObject({ status: 200, body: 'ok' });
    expect(answer.header('x-fault-injected')).toBe('delay');
    expect(origin.asked).toHaveLength(1);
    expect(await facade.metrics()).toContain('strangler_faults_injected_total{route="one",kind="delay"} 1');
  });

  test('comes before an abort, which names the answer', async () => {
    const { facade } = await startWith('{ delay: 100ms, abort: 504 }');
    const startedAt = performance.now();
    const answer = await ask(facade.port, get('/one/x'));
    expect(performance.now() - startedAt).toBeGreaterThan(95);
    expect(answer.status).toBe(504);
    expect(answer.header('x-fault-injected')).toBe('abort');
  });

  test('ends when the client goes', async () => {
    const { origin, facade } = await startWith('{ delay: 1m }');
    const client = (await RawClient.connect(facade.port)).send(get('/one/x'));
    await expect.poll(() => facade.metrics()).toContain('strangler_requests_in_flight 1');
    client.socket.destroy();
    await facade.logged(({ route, status }) => route === 'one' && status === 0);
    expect(await facade.metrics()).toContain('strangler_requests_in_flight 0');
    expect(origin.asked).toEqual([]);
  });
});

test('an edit switches faults on and off', async () => {
  const { facade } = await startWith('{ abort: 503 }');
  const yaml = `version: 1
backends: { origin: { url: "http://127.0.0.1:1" } }
routes: [{ name: one, match: { path: /* }, to: origin, faults: { abort: 503 } }]
`;
  await facade.replaceRoutes(yaml);
  const { problems } = await facade.logged(({ level }) => level === 'error');
  expect(problems).toContain('faults_not_allowed');
  expect((await ask(facade.port, get('/one/x'))).status).toBe(503);
});
