import { createServer } from 'node:http';
import express from 'express';
import { jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { bodyOf, listening, mirror, startOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startApplication } from './running-application.ts';

const routes = (port: number, to: string, more = '') => `version: 1
servedBy: true
backends:
  monolith: { url: http://127.0.0.1:9 }
  service: { url: http://127.0.0.1:${port} }
routes:
  - { name: api, match: { path: /api/* }, to: ${to} }
${more}`;

describe('an edit of routes.yaml', () => {
  test('moves a route to the service and back, without a failed request', async () => {
    const origin = await startOrigin((_, response) => response.end('service'));
    const app = await startApplication(routes(origin.port, 'monolith'));
    let stopped = false;
    const last: string[] = [];
    const run = async (index: number) => {
      const client = await RawClient.connect(app.port);
      while (!stopped) {
        const answer = await client.send(get('/api/x')).answer();
        expect(answer.status).toBe(200);
        last[index] = answer.body;
      }
    };
    const running = Promise.all([0, 1, 2, 3].map(run));
    const all = (body: string) => expect.poll(() => last, { timeout: 5_000 }).toEqual(Array(4).fill(body));
    await all('own /api/x');
    await app.replaceRoutes(routes(origin.port, 'service'));
    await all('service');
    await app.replaceRoutes(routes(origin.port, 'monolith'));
    await all('own /api/x');
    stopped = true;
    await running;
  });

  test('that is bad, or takes the application away, changes nothing, and the log says so', async () => {
    const origin = await startOrigin((_, response) => response.end('service'));
    const app = await startApplication(routes(origin.port, 'service'));
    await app.replaceRoutes(routes(origin.port, 'servce'));
    expect((await app.logged(({ level }) => level === 'error')).problems).toMatch(/servce/);
    await app.replaceRoutes(routes(origin.port, 'service').replace('monolith', 'legacy'));
    await app.logged(({ code }) => code === 'self_unknown');
    expect(await (await fetch(`${app.url}/api/x`)).text()).toBe('service');
    expect(await app.metrics()).toMatch(/^strangler_route_table_valid 0$/m);
    await app.replaceRoutes(routes(origin.port, 'monolith'));
    await app.logged((line) => line.msg.includes('in force'));
    expect(await (await fetch(`${app.url}/api/x`)).text()).toBe('own /api/x');
  });

  test('leaves no listeners behind', async () => {
    const origin = await startOrigin((_, response) => response.end('service'));
    const app = await startApplication(routes(origin.port, 'service'));
    await (await fetch(`${app.url}/api/x`)).text();
    const before = app.server.eventNames().map((event) => [event, app.server.listenerCount(event)]);
    for (let edit = 0; edit < 3; edit++) {
      const loaded = app.strangled.table().loadedAt;
      await app.replaceRoutes(routes(origin.port, 'service', `# ${edit}\n`));
      await expect.poll(() => app.strangled.table().loadedAt).not.toBe(loaded);
      await (await fetch(`${app.url}/api/x`)).text();
    }
    expect(app.server.eventNames().map((event) => [event, app.server.listenerCount(event)])).toEqual(before);
  });
});

describe('who calls', () => {
  const secret = 'a secret of the tests, long enough to be one';
  const withIdentity = (servicePort: number, appPort: number, me = '/me') => `version: 1
identity:
  secret: \${SECRET}
  session: { cookie: sid, backend: monolith, path: ${me}, cache: 0s }
backends:
  monolith: { url: http://127.0.0.1:${appPort}, timeouts: { request: 500ms } }
  service: { url: http://127.0.0.1:${servicePort}, identity: true }
routes:
  - { name: api, match: { path: /* }, to: service, auth: session, fallback: monolith }
`;

  const startService = () =>
    startOrigin(async (request, response) => {
      const token = String(request.headers['x-strangler-identity']);
      const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), { audience: 'service' });
      response.end(JSON.stringify({ sub: payload.sub, role: payload.role }));
    });

  async function callerOf(port: number, cookie: string) {
    return JSON.parse((await ask(port, get('/api/x', `Cookie: ${cookie}`))).body);
  }

  test('is what the application’s endpoint says, which stays its own', async () => {
    const service = await startService();
    const port = await freePort();
    await startApplication(withIdentity(service.port, port), {
      port,
      env: { SECRET: secret },
      build(app, strangled) {
        app.use(strangled);
        app.get('/me', (request, response) => {
          const known = request.headers.cookie === 'sid=ada';
          response.status(known ? 200 : 401).json(known ? { id: 7, role: 'admin' } : {});
        });
      },
    });
    expect(await callerOf(port, 'sid=ada')).toEqual({ sub: '7', role: 'admin' });
    expect(await callerOf(port, 'sid=unknown')).toEqual({});
  });

  test('is what the application says itself, by its own means', async () => {
    const service = await startService();
    const app = await startApplication(withIdentity(service.port, 9), {
      env: { SECRET: secret },
      build(express_, strangled) {
        express_.use((request, _, next) => {
          Object.assign(request, { user: request.headers.cookie === 'sid=ada' ? { id: 7 } : undefined });
          next();
        });
        express_.use(strangled);
      },
      identify(request) {
        const { user } = request as { user?: { id: number } };
        return user && { userId: user.id, role: 'customer' };
      },
    });
    expect(await callerOf(app.port, 'sid=ada')).toEqual({ sub: '7', role: 'customer' });
    expect(await callerOf(app.port, 'sid=unknown')).toEqual({});
  });

  test('an error of the application goes to its error handlers', async () => {
    const service = await startService();
    const app = await startApplication(withIdentity(service.port, 9), {
      env: { SECRET: secret },
      build(express_, strangled) {
        express_.use(strangled);
        express_.use(
          (error: Error, _: express.Request, response: express.Response, _next: express.NextFunction) => {
            response.status(500).send(error.message);
          },
        );
      },
      identify: () => Promise.reject(new Error('the session store is away')),
    });
    expect(await ask(app.port, get('/api/x'))).toMatchObject({
      status: 500,
      body: 'the session store is away',
    });
    expect(service.asked).toEqual([]);
  });
});

describe('upgrades', () => {
  async function startSockets(name: string) {
    const webSockets = new WebSocketServer({ noServer: true });
    const server = createServer();
    server.on('upgrade', (request, socket, head) => {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => webSocket.send(name));
    });
    return { port: await listening(server, 0), server, webSockets };
  }

  function greeting(port: number, path: string): Promise<string> {
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    return new Promise((resolve, reject) => {
      webSocket.once('error', reject);
      webSocket.once('message', (data) => {
        resolve(String(data));
        webSocket.terminate();
      });
    });
  }

  test('a WebSocket goes where its route goes, and the application’s own are left to it', async () => {
    const service = await startSockets('service');
    const app = await startApplication(routes(service.port, 'service'));
    const own = new WebSocketServer({ noServer: true });
    app.server.removeAllListeners('upgrade');
    app.server.on('upgrade', (request, socket, head) => {
      if (app.strangled.upgrade(request, socket, head)) return;
      own.handleUpgrade(request, socket, head, (webSocket) => webSocket.send('own'));
    });
    expect(await greeting(app.port, '/live')).toBe('own');
    expect(await greeting(app.port, '/api/live')).toBe('service');
    service.server.close();
  });

  test('Upgrade: h2c is answered over HTTP/1.1 by either side, body included, and the connection goes on', async () => {
    const origin = await startOrigin(async (request, response) => {
      response.end(`service ${request.headers.upgrade ?? ''}${await bodyOf(request)}`);
    });
    const app = await startApplication(routes(origin.port, 'service'), {
      build(express_, strangled) {
        express_.use(strangled, express.text(), (request: express.Request, response: express.Response) => {
          response.send(`own ${request.body}`);
        });
      },
    });
    const upgrade =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA';
    const body = 'Content-Type: text/plain\r\nContent-Length: 5';
    const client = await RawClient.connect(app.port);
    client.send(`POST /api/x HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n${body}\r\n\r\nhello`);
    expect((await client.answer()).body).toBe('service hello');
    client.send(`POST /x HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n${body}\r\n\r\nhello`);
    expect((await client.answer()).body).toBe('own hello');
    client.send(`GET /api/x HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n\r\n`);
    expect((await client.answer()).body).toBe('service ');
    expect(origin.asked[0]?.headers).not.toHaveProperty('http2-settings');
  });
});

describe('without Express', () => {
  test('it is a handler of (request, response, next) like any other', async () => {
    const origin = await startOrigin(mirror);
    const { strangled } = await startApplication(routes(origin.port, 'service'));
    const server = createServer((request, response) => {
      strangled(request, response, () => response.end('own'));
    });
    const port = await listening(server, 0);
    expect((await ask(port, get('/x'))).body).toBe('own');
    expect(JSON.parse((await ask(port, get('/api//x'))).body).url).toBe('/api//x');
    server.close();
  });
});

describe('the end', () => {
  test('waits for what is under way at services', async () => {
    const { promise, resolve: finish } = Promise.withResolvers<void>();
    const origin = await startOrigin((_, response) => {
      response.write('begun ');
      void promise.then(() => response.end('finished'));
    });
    const app = await startApplication(routes(origin.port, 'service'));
    const client = (await RawClient.connect(app.port)).send(get('/api/x'));
    await client.until('begun');
    const closed = app.close(5_000);
    finish();
    expect((await client.answer()).body).toBe('begun finished');
    await closed;
  });

  test('comes after a while, whatever is under way', async () => {
    const origin = await startOrigin((_, response) => void response.write('begun'));
    const app = await startApplication(routes(origin.port, 'service'));
    const client = (await RawClient.connect(app.port)).send(get('/api/x'));
    await client.until('begun');
    await app.close(50);
    await client.closed();
  });
});

async function freePort(): Promise<number> {
  const origin = await startOrigin(mirror);
  await origin.close();
  return origin.port;
}
