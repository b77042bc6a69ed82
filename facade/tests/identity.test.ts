import { jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { type HttpOrigin, startOrigin } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';
import { type RunningFacade, startRunningFacade } from './running-facade.ts';

const secret = 'a secret of the tests, long enough to be one';

/** An application with sessions, and a service that says whom its tokens name. */
async function startSessions(settings: { cache?: string } = {}) {
  const sessions = new Map([['s-ada', { id: 7, role: 'admin' }]]);
  let questions = 0;
  let slow: Promise<void> | undefined;
  const app = await startOrigin(async (request, response) => {
    const sid = /(?:^|; )sid=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    if (request.url === '/login') sessions.set(sid, { id: 8, role: 'customer' });
    if (request.url === '/logout') sessions.delete(sid);
    if (request.url !== '/me') return void response.writeHead(204).end();
    questions++;
    await slow;
    const user = sessions.get(sid);
    response.writeHead(user === undefined ? 401 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(user ?? { error: 'login required' }));
  });
  const service = await startOrigin(async (request, response) => {
    const token = String(request.headers['x-strangler-identity']);
    const { payload, protectedHeader } = await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ['HS256'],
      issuer: 'facade',
      audience: 'service',
      typ: 'strangler-identity+jwt',
      requiredClaims: ['iat', 'exp'],
      maxTokenAge: 60,
    });
    response.end(JSON.stringify({ payload, protectedHeader, url: request.url }));
  });
  const facade = await startRunningFacade(
    `version: 1
identity:
  secret: \${SECRET}
  session: { cookie: sid, backend: app, path: /me, cache: ${settings.cache ?? '1m'} }
backends:
  app: { url: http://127.0.0.1:${app.port}, timeouts: { connect: 200ms, request: 300ms } }
  service: { url: http://127.0.0.1:${service.port}, identity: true }
routes:
  - { name: own, match: { path: /own/* }, to: service, auth: session }
  - { name: public, match: { path: /public/* }, to: service }
  - { name: app, match: { path: /* }, to: app }
`,
    { env: { SECRET: secret } },
  );
  return {
    app,
    service,
    facade,
    questions: () => questions,
    slowDown(until: Promise<void>) {
      slow = until;
    },
  };
}

async function caller(facade: RunningFacade, path: string, ...headers: string[]) {
  const answer = await ask(facade.port, get(path, ...headers));
  expect(answer.status).toBe(200);
  const { sub, role, iat, exp } = JSON.parse(answer.body).payload;
  expect(exp - iat).toBe(60);
  return { sub, role };
}

const nobody = { sub: undefined, role: undefined };

describe('the service learns who calls', () => {
  test('a logged-in user', async () => {
    const { facade } = await startSessions();
    expect(await caller(facade, '/own/x', 'Cookie: theme=dark; sid=s-ada')).toEqual({
      sub: '7',
      role: 'admin',
    });
  });

  test('nobody: without a cookie, and nobody is asked', async () => {
    const { facade, questions } = await startSessions();
    expect(await caller(facade, '/own/x')).toEqual(nobody);
    expect(await caller(facade, '/own/x', 'Cookie: other=1; sid=')).toEqual(nobody);
    expect(questions()).toBe(0);
  });

  test('nobody: with a session that the application does not know', async () => {
    const { facade } = await startSessions();
    expect(await caller(facade, '/own/x', 'Cookie: sid=unknown')).toEqual(nobody);
  });

  test('nobody: on a route that does not ask, whatever the cookie says', async () => {
    const { facade, questions } = await startSessions();
    expect(await caller(facade, '/public/x', 'Cookie: sid=s-ada')).toEqual(nobody);
    expect(questions()).toBe(0);
  });

  test('never from the client', async () => {
    const { facade } = await startSessions();
    const forged = await ask(
      facade.port,
      get('/own/x', 'X-Strangler-Identity: x', 'x-strangler-identity: y'),
    );
    expect(forged.status).toBe(200);
  });

  test('the application gets no identity, and the client’s own is dropped', async () => {
    const { facade, app } = await startSessions();
    await ask(facade.port, get('/x', 'X-Strangler-Identity: x'));
    expect(app.asked[0]?.headers).not.toHaveProperty('x-strangler-identity');
  });
});

describe('one question for many requests', () => {
  test('concurrent requests share it', async () => {
    const { facade, questions, slowDown } = await startSessions();
    const { promise, resolve: answer } = Promise.withResolvers<void>();
    slowDown(promise);
    const asked = Promise.all(
      Array.from({ length: 20 }, () => caller(facade, '/own/x', 'Cookie: sid=s-ada')),
    );
    await expect.poll(questions).toBe(1);
    answer();
    expect((await asked).every(({ sub }) => sub === '7')).toBe(true);
    expect(questions()).toBe(1);
  });

  test('its answer counts for as long as the cache says', async () => {
    const { facade, questions } = await startSessions({ cache: '1s' });
    for (let times = 0; times < 3; times++) await caller(facade, '/own/x', 'Cookie: sid=s-ada');
    expect(questions()).toBe(1);
    await expect
      .poll(
        async () => {
          await caller(facade, '/own/x', 'Cookie: sid=s-ada');
          return questions();
        },
        { timeout: 5_000 },
      )
      .toBe(2);
  });

  test('a cache of 0 asks every time', async () => {
    const { facade, questions } = await startSessions({ cache: '0s' });
    for (let times = 0; times < 3; times++) await caller(facade, '/own/x', 'Cookie: sid=s-ada');
    expect(questions()).toBe(3);
  });

  test('a login or logout through the facade counts at once', async () => {
    const { facade } = await startSessions();
    const cookie = 'Cookie: sid=s-new';
    const post = (path: string) =>
      ask(facade.port, `POST ${path} HTTP/1.1\r\nHost: a\r\n${cookie}\r\nContent-Length: 0\r\n\r\n`);
    expect(await caller(facade, '/own/x', cookie)).toEqual(nobody);
    await post('/login');
    expect(await caller(facade, '/own/x', cookie)).toEqual({ sub: '8', role: 'customer' });
    await post('/logout');
    expect(await caller(facade, '/own/x', cookie)).toEqual(nobody);
  });
});

describe('an application that cannot tell', () => {
  async function whileDown(stop: (app: HttpOrigin) => Promise<void>) {
    const sessions = await startSessions();
    await stop(sessions.app);
    return sessions;
  }

  test('is down: 503 for a request with a session, not an anonymous one, and the address stays unsaid', async () => {
    const { facade, app, service } = await whileDown((origin) => origin.close());
    const answer = await ask(facade.port, get('/own/x', 'Cookie: sid=s-ada'));
    expect(answer.status).toBe(503);
    expect(answer.header('retry-after')).toBe('1');
    expect(answer.header('content-type')).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'session_unavailable', route: 'own' });
    expect(answer.body).not.toMatch(/127\.0\.0\.1|ECONN/);
    expect(answer.body).not.toContain(String(app.port));
    expect(service.asked).toEqual([]);
    expect((await facade.logged((line) => line.status === 503)).reason).toContain('ECONNREFUSED');
    expect(await facade.metrics()).toContain(
      'strangler_upstream_failures_total{backend="app",kind="unreachable"} 1',
    );
  });

  test('is down: nobody else waits or is refused', async () => {
    const { facade } = await whileDown((origin) => origin.close());
    expect(await caller(facade, '/own/x')).toEqual(nobody);
    expect(await caller(facade, '/public/x', 'Cookie: sid=s-ada')).toEqual(nobody);
  });

  test('is silent: 503 within its time-out, and it is asked again by the next', async () => {
    const { facade, questions, slowDown } = await startSessions();
    const { promise, resolve: answer } = Promise.withResolvers<void>();
    slowDown(promise);
    expect((await ask(facade.port, get('/own/x', 'Cookie: sid=s-ada'))).status).toBe(503);
    answer();
    expect(await caller(facade, '/own/x', 'Cookie: sid=s-ada')).toEqual({ sub: '7', role: 'admin' });
    expect(questions()).toBe(2);
  });

  test('a client that leaves while it is asked reaches no backend', async () => {
    const { facade, questions, slowDown, service } = await startSessions();
    const { promise, resolve: answer } = Promise.withResolvers<void>();
    slowDown(promise);
    const client = (await RawClient.connect(facade.port)).send(get('/own/x', 'Cookie: sid=s-ada'));
    await expect.poll(questions).toBe(1);
    client.socket.destroy();
    await new Promise((resolve) => client.socket.once('close', resolve));
    // What comes later is heard later: by now the facade knows.
    await caller(facade, '/public/x');
    answer();
    await facade.logged((line) => line.failure === 'client_gone');
    expect(service.asked.map(({ url }) => url)).toEqual(['/public/x']);
  });
});
