import { describe, expect, test } from 'vitest';
import { type HttpOrigin, startOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';

function startFacade(origins: readonly { port: number }[], settings = ''): Promise<RunningFacade> {
  const urls = origins.map(({ port }) => `"http://127.0.0.1:${port}"`).join(', ');
  return startRunningFacade(`version: 1
backends: { origin: { urls: [${urls}], timeouts: { connect: 200ms }, breaker: false, ${settings} } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`);
}

/** An origin that says its name, is as well as it is told to be, and keeps /held waiting. */
async function startNamed(name: string) {
  const state = { well: true };
  const origin = await startOrigin((request, response) => {
    if (request.url === '/health') response.writeHead(state.well ? 200 : 500).end();
    else if (request.url !== '/held') response.end(name);
  });
  return Object.assign(state, origin);
}

function asked(origin: HttpOrigin): number {
  return origin.asked.filter(({ url }) => url !== '/health').length;
}

async function answers(facade: RunningFacade, times: number): Promise<string> {
  let all = '';
  for (let sent = 0; sent < times; sent++) {
    const answer = await ask(facade.port, get('/'));
    all += answer.status === 200 ? answer.body : '!';
  }
  return all;
}

describe('balance', () => {
  test('round robin by default', async () => {
    const facade = await startFacade([await startNamed('a'), await startNamed('b'), await startNamed('c')]);
    expect(await answers(facade, 6)).toBe('abcabc');
  });

  test('least requests', async () => {
    const [a, b] = [await startNamed('a'), await startNamed('b')];
    const facade = await startFacade([a, b], 'balance: least-requests');
    const held = (await RawClient.connect(facade.port)).send(get('/held'));
    await expect.poll(() => asked(a)).toBe(1);
    expect(await answers(facade, 3)).toBe('bbb');
    held.socket.destroy();
    await facade.logged((line) => line.failure === 'client_gone');
    expect(await answers(facade, 4)).toBe('abab');
  });

  test('a repetition goes to another address', async () => {
    const [a, b] = [await startNamed('a'), await startNamed('b')];
    const facade = await startFacade([a, b], 'retries: { backoff: 1ms }');
    await a.close();
    expect(await answers(facade, 6)).toBe('bbbbbb');
  });
});

describe('health checks', () => {
  const checks = 'health: { path: /health, interval: 10ms, unhealthyAfter: 2, healthyAfter: 2 }';

  test('an address that is not well gets no requests, until it is', async () => {
    const [a, b] = [await startNamed('a'), await startNamed('b')];
    const facade = await startFacade([a, b], checks);
    a.well = false;
    expect(await facade.logged((line) => line.msg.startsWith('unhealthy'))).toMatchObject({
      backend: 'origin',
      url: `http://127.0.0.1:${a.port}`,
      level: 'warn',
    });
    expect(await answers(facade, 4)).toBe('bbbb');
    const [shown] = (await (await fetch(`${facade.adminUrl}/api/backends`)).json()) as {
      urls: { takesRequests: boolean }[];
    }[];
    expect(shown?.urls.map(({ takesRequests }) => takesRequests)).toEqual([false, true]);
    a.well = true;
    await facade.logged((line) => line.msg.startsWith('healthy again'));
    expect(await answers(facade, 4)).toMatch(/^(abab|baba)$/);
  });

  test('one that does not answer in time is not well', async () => {
    const silent = await startOrigin(() => {});
    const b = await startNamed('b');
    const facade = await startFacade(
      [silent, b],
      'health: { path: /health, interval: 10ms, timeout: 300ms, unhealthyAfter: 1 }',
    );
    await facade.logged((line) => line.msg.startsWith('unhealthy'));
    expect(await answers(facade, 3)).toBe('bbb');
  });

  test('where none is well, all are tried', async () => {
    const [a, b] = [await startNamed('a'), await startNamed('b')];
    a.well = false;
    b.well = false;
    const facade = await startFacade([a, b], checks);
    await expect.poll(() => facade.log.filter((line) => line.msg.startsWith('unhealthy')).length).toBe(2);
    expect(await answers(facade, 4)).toMatch(/^(abab|baba)$/);
  });

  test('one url is asked only where the long form says so', async () => {
    const [short, long] = [await startNamed('a'), await startNamed('a')];
    const facade = await startRunningFacade(`version: 1
backends:
  short: { url: "http://127.0.0.1:${short.port}", health: /health }
  long: { url: "http://127.0.0.1:${long.port}", health: { path: /health, interval: 5ms } }
routes: [{ name: all, match: { path: /* }, to: short }]
`);
    await expect.poll(() => long.asked.length).toBeGreaterThan(3);
    expect(short.asked).toHaveLength(0);
    await facade.close(100);
    const before = long.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(long.asked.length).toBe(before);
  });
});

describe('ejection', () => {
  test('an address that takes no connections is left out for a while', async () => {
    const [a, b] = [await startNamed('a'), await startNamed('b')];
    const facade = await startFacade([a, b], 'ejection: { failures: 3, for: 300ms }');
    await a.close();
    expect(await answers(facade, 6)).toBe('!b!b!b');
    expect(await facade.logged((line) => line.msg.startsWith('ejected'))).toMatchObject({
      url: `http://127.0.0.1:${a.port}`,
    });
    expect(await answers(facade, 4)).toBe('bbbb');
    // After a while it is asked again.
    await expect.poll(() => answers(facade, 2)).toContain('!');
  });

  test('answers of any status are no reason', async () => {
    const failing = await startOrigin((_, response) => response.writeHead(503).end());
    const b = await startNamed('b');
    const facade = await startFacade([failing, b], 'ejection: { failures: 1 }');
    expect(await answers(facade, 6)).toBe('!b!b!b');
  });

  test('where all are left out, all are tried', async () => {
    const [a, b] = [await startNamed('a'), await startNamed('b')];
    const facade = await startFacade([a, b], 'ejection: { failures: 1 }');
    await a.close();
    await b.close();
    expect(await answers(facade, 4)).toBe('!!!!');
    expect(facade.log.filter((line) => line.failure === 'unreachable')).toHaveLength(4);
  });
});

test('sessions and comparisons are asked of an address that is well, too', async () => {
  const [a, b, service] = [await startNamed('{}'), await startNamed('{}'), await startNamed('{}')];
  a.well = false;
  const facade = await startRunningFacade(
    `version: 1
identity: { secret: "\${S}", session: { cookie: sid, backend: monolith, path: /me, cache: 0s } }
backends:
  monolith:
    urls: ["http://127.0.0.1:${a.port}", "http://127.0.0.1:${b.port}"]
    health: { path: /health, interval: 10ms, unhealthyAfter: 1 }
  service: { url: "http://127.0.0.1:${service.port}", identity: true }
routes: [{ name: all, match: { path: /*, method: GET }, to: service, compare: monolith, auth: session }]
`,
    { env: { S: 'x'.repeat(32) } },
  );
  await facade.logged((line) => line.msg.startsWith('unhealthy'));
  for (let sent = 0; sent < 4; sent++) await ask(facade.port, get('/', 'Cookie: sid=1'));
  await facade.comparisonsSettled();
  expect([asked(a), asked(b)]).toEqual([0, 8]);
});
