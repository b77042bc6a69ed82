import { describe, expect, test } from 'vitest';
import { startOrigin } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';
import { startFacadeBefore, startRunningFacade } from './running-facade.ts';

async function startWithOrigin() {
  const origin = await startOrigin((_, response) => response.end('ok'));
  return { origin, facade: await startFacadeBefore(origin.port) };
}

describe('pages', () => {
  test('/ lists the others, which all answer', async () => {
    const { facade } = await startWithOrigin();
    const pages = (await (await fetch(facade.adminUrl)).text()).trim().split('\n');
    expect(pages).toEqual([
      '/livez',
      '/readyz',
      '/metrics',
      '/api/routes',
      '/api/backends',
      '/.well-known/jwks.json',
    ]);
    for (const page of pages) {
      const answer = await fetch(facade.adminUrl + page);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect((await fetch(facade.adminUrl + page, { method: 'HEAD' })).status).toBe(200);
    }
  });

  test('/metrics counts requests by route, backend and class', async () => {
    const { facade } = await startWithOrigin();
    await ask(facade.port, get('/secret-path?token=1'));
    await ask(facade.port, get('/../x'));
    const metrics = await facade.metrics();
    expect(metrics).toContain('strangler_requests_total{route="all",backend="origin",status="2xx"} 1');
    expect(metrics).toContain('strangler_requests_total{route="none",backend="facade",status="4xx"} 1');
    expect(metrics).toContain('strangler_request_seconds_count{route="all",backend="origin"} 1');
    expect(metrics).not.toContain('secret');
  });

  test('/api/routes says where each route goes, since when, and what it did', async () => {
    const { facade, origin } = await startWithOrigin();
    await ask(facade.port, get('/'));
    await origin.close();
    await ask(facade.port, get('/'));
    expect((await facade.routes()).routes).toEqual([
      {
        name: 'all',
        match: '/*',
        group: null,
        writes: true,
        to: { origin: 1 },
        since: facade.table().loadedAt.toISOString(),
        backends: {
          origin: {
            requests: 2,
            errors: 1,
            since: expect.stringMatching(/Z$/),
            latency: {
              requests: 2,
              p50: expect.any(Number),
              p95: expect.any(Number),
              p99: expect.any(Number),
            },
          },
        },
        compare: null,
        faults: false,
      },
    ]);
  });

  test('/api/backends asks those that say how', async () => {
    const well = await startOrigin((request, response) =>
      response.writeHead(request.url === '/health' ? 204 : 500).end(),
    );
    const ill = await startOrigin((_, response) => response.writeHead(503).end());
    const gone = await startOrigin((_, response) => response.end());
    const facade = await startRunningFacade(`version: 1
backends:
  well: { url: http://127.0.0.1:${well.port}, health: /health }
  ill: { url: http://127.0.0.1:${ill.port}, health: /health }
  gone: { url: http://127.0.0.1:${gone.port}, health: /health }
  silent: { url: http://127.0.0.1:${gone.port} }
routes: [{ name: all, match: { path: /* }, to: well }]
`);
    await gone.close();
    const backends = (await (await fetch(`${facade.adminUrl}/api/backends`)).json()) as {
      backend: string;
      healthy: boolean;
    }[];
    expect(Object.fromEntries(backends.map(({ backend, healthy }) => [backend, healthy]))).toEqual({
      well: true,
      ill: false,
      gone: false,
      silent: true,
    });
  });

  test('what is not a page is 404, and pages are only read', async () => {
    const { facade } = await startWithOrigin();
    for (const path of ['/nothing', '/__proto__', '/constructor', '/api']) {
      const answer = await fetch(facade.adminUrl + path);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: 'not_found' });
    }
    const answer = await fetch(`${facade.adminUrl}/metrics`, { method: 'POST', body: 'x' });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });
});

describe('closing', () => {
  test('readiness fails at once, requests in flight finish, new connections are refused', async () => {
    const { promise, resolve: finish } = Promise.withResolvers<void>();
    const origin = await startOrigin((_, response) => {
      response.write('begun ');
      void promise.then(() => response.end('finished'));
    });
    const facade = await startFacadeBefore(origin.port);
    const idle = await RawClient.connect(facade.port);
    const busy = (await RawClient.connect(facade.port)).send(get('/'));
    await busy.until('begun');
    const ready = () => fetch(`${facade.adminUrl}/readyz`);
    expect((await ready()).status).toBe(200);

    const closed = facade.close();
    expect((await ready()).status).toBe(503);
    expect((await fetch(`${facade.adminUrl}/livez`)).status).toBe(200);
    expect(await idle.closed()).toBe('end');
    await expect(fetch(facade.url)).rejects.toThrow();
    finish();
    expect((await busy.answer()).body).toBe('begun finished');
    await closed;
    await expect(ready()).rejects.toThrow();
  });

  test('a request that comes on a kept connection meanwhile is the last one there', async () => {
    const { promise, resolve: finish } = Promise.withResolvers<void>();
    const origin = await startOrigin((request, response) => {
      if (request.url === '/slow') void promise.then(() => response.end('slow'));
      else response.end('quick');
    });
    const facade = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(facade.port)).send(get('/slow'));
    await expect.poll(() => origin.asked.length).toBe(1);
    const closed = facade.close();
    client.send(get('/quick'));
    finish();
    expect((await client.answer()).body).toBe('slow');
    const last = await client.answer().catch(() => undefined);
    if (last !== undefined) expect(last).toMatchObject({ body: 'quick', status: 200 });
    expect(last?.header('connection') ?? 'close').toBe('close');
    await closed;
  });

  test('what does not finish within the deadline is cut', async () => {
    const origin = await startOrigin((_, response) => void response.write('endless'));
    const facade = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(facade.port)).send(get('/'));
    await client.until('endless');
    const startedAt = performance.now();
    await facade.close(100);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await expect(client.answer()).rejects.toThrow('incomplete');
  });

  test('closing twice is closing once', async () => {
    const { facade } = await startWithOrigin();
    await Promise.all([facade.close(), facade.close()]);
  });
});

test('a port in use is said in one line that names the setting', async () => {
  const { facade } = await startWithOrigin();
  const { startFacade } = await import('../facade.ts');
  const { routesFile, port } = facade;
  const log = { info() {}, warn() {}, error() {}, child: () => log } as never;
  await expect(startFacade({ routesFile, port, adminPort: 0, env: {}, log })).rejects.toMatchObject({
    code: 'port_in_use',
    line: expect.stringMatching(new RegExp(`:${port}: the port is in use. Set FACADE_PORT`)),
  });
  await expect(startFacade({ routesFile, port: 0, adminPort: port, env: {}, log })).rejects.toMatchObject({
    line: expect.stringMatching(/FACADE_ADMIN_PORT/),
  });
});
