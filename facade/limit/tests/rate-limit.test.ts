import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { mirror, startOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';
import { askFrom } from './client-from.ts';

// Buckets are refilled by the hour where a test must not see it happen.

const file = (port: number, limit: string, more = '') => `version: 1
${more}
backends: { origin: { url: "http://127.0.0.1:${port}" } }
routes:
  - { name: limited, match: { path: /limited/* }, to: origin, rateLimit: ${limit} }
  - { name: rest, match: { path: /* }, to: origin }
`;

async function startWith(limit: string, more = '') {
  const origin = await startOrigin(mirror);
  return { origin, facade: await startRunningFacade(file(origin.port, limit, more)) };
}

async function statuses(port: number, requests: readonly string[]): Promise<number[]> {
  const client = await RawClient.connect(port);
  const answers: number[] = [];
  for (const request of requests) answers.push((await client.send(request).answer()).status);
  return answers;
}

const times = (count: number, request: string) => Array.from({ length: count }, () => request);

test('as many as the limit lets through, then 429 that says when to come again', async () => {
  const { facade, origin } = await startWith('{ requests: 3, per: 1h }');
  const client = await RawClient.connect(facade.port);
  const answers = [];
  for (let index = 0; index < 4; index++) answers.push(await client.send(get('/limited/x')).answer());
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  expect(answers.map((answer) => answer.header('ratelimit-policy'))).toEqual(
    times(4, '"limited";q=3;w=3600'),
  );
  expect(answers.map((answer) => answer.header('ratelimit'))).toEqual([
    '"limited";r=2;t=1200',
    expect.stringMatching(/^"limited";r=1;t=(1200|11\d\d)$/),
    expect.stringMatching(/^"limited";r=0;t=(1200|11\d\d)$/),
    expect.stringMatching(/^"limited";r=0;t=(1200|11\d\d)$/),
  ]);
  const refused = answers[3]!;
  expect(refused.header('retry-after')).toMatch(/^(1200|11\d\d)$/);
  expect(refused.header('content-type')).toBe('application/problem+json');
  expect(JSON.parse(refused.body)).toMatchObject({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    status: 429,
    code: 'rate_limited',
    route: 'limited',
    'violated-policies': ['limited'],
  });
  expect(origin.asked).toHaveLength(3);
  expect(await facade.metrics()).toContain('strangler_rate_limited_total{route="limited"} 1');
});

test('other routes know nothing of it', async () => {
  const { facade } = await startWith('{ requests: 1, per: 1h }');
  expect(await statuses(facade.port, [get('/limited/x'), ...times(3, get('/other'))])).toEqual([
    200, 200, 200, 200,
  ]);
  expect((await ask(facade.port, get('/other'))).header('ratelimit')).toBeUndefined();
});

test('burst is how many may come at once', async () => {
  const { facade } = await startWith('{ requests: 1, per: 1h, burst: 3 }');
  const answer = await ask(facade.port, get('/limited/x'));
  expect(answer.header('ratelimit-policy')).toBe('"limited";q=1;w=3600;strangler-burst=3');
  expect(await statuses(facade.port, times(3, get('/limited/x')))).toEqual([200, 200, 429]);
});

test('HEAD counts, and its refusal has no body', async () => {
  const { facade } = await startWith('{ requests: 1, per: 1h }');
  const client = await RawClient.connect(facade.port);
  const head = 'HEAD /limited/x HTTP/1.1\r\nHost: a\r\n\r\n';
  expect((await client.send(head).answer('HEAD')).status).toBe(200);
  const refused = await client.send(head).answer('HEAD');
  expect([refused.status, refused.header('retry-after')]).toEqual([429, expect.any(String)]);
  expect((await client.send(get('/other')).answer()).status).toBe(200);
});

test('WebSocket handshakes count', async () => {
  const origin = await startOrigin(mirror);
  const webSockets = new WebSocketServer({ server: origin.server });
  onTestFinished(() => {
    for (const client of webSockets.clients) client.terminate();
    webSockets.close();
  });
  const facade = await startRunningFacade(file(origin.port, '{ requests: 1, per: 1h }'));
  const open = () => {
    const webSocket = new WebSocket(`ws://127.0.0.1:${facade.port}/limited/socket`);
    onTestFinished(() => webSocket.terminate());
    webSocket.on('error', () => {});
    return new Promise<{ status: number; limit: unknown }>((resolve) => {
      const tell = (message: { statusCode?: number | undefined; headers: Record<string, unknown> }) =>
        resolve({ status: message.statusCode ?? 0, limit: message.headers.ratelimit });
      webSocket.once('upgrade', tell);
      webSocket.once('unexpected-response', (_, message) => tell(message));
    });
  };
  expect(await open()).toEqual({ status: 101, limit: '"limited";r=0;t=3600' });
  expect(await open()).toMatchObject({ status: 429, limit: expect.stringContaining('r=0') });
});

describe('who has a bucket', () => {
  const one = '{ requests: 1, per: 1h';

  test('each address', async () => {
    const { facade } = await startWith(`${one}, by: address }`);
    const from = async (address: string) => (await askFrom(address, facade.port, get('/limited/x'))).status;
    expect([await from('127.0.0.1'), await from('127.0.0.1'), await from('127.0.0.2')]).toEqual([
      200, 429, 200,
    ]);
  });

  test('everyone together', async () => {
    const { facade } = await startWith(`${one}, by: everyone }`);
    const from = async (address: string) => (await askFrom(address, facade.port, get('/limited/x'))).status;
    expect([await from('127.0.0.1'), await from('127.0.0.2')]).toEqual([200, 429]);
  });

  test('each value of a header; without it, each address', async () => {
    const { facade } = await startWith(`${one}, by: { header: X-API-Key } }`);
    const key = (value: string) => get('/limited/x', `x-api-key: ${value}`);
    const asked = [key('a'), key('a'), key('b'), get('/limited/x'), get('/limited/x'), key('')];
    expect(await statuses(facade.port, asked)).toEqual([200, 429, 200, 200, 429, 429]);
  });

  test('each value of a cookie', async () => {
    const { facade } = await startWith(`${one}, by: { cookie: uid } }`);
    const cookie = (value: string) => get('/limited/x', `Cookie: a=1; uid=${value}`);
    expect(await statuses(facade.port, [cookie('a'), cookie('a'), cookie('b')])).toEqual([200, 429, 200]);
  });

  test('each user, from wherever; a visitor who is not logged in counts by address', async () => {
    const origin = await startOrigin((request, response) => {
      const user = /sid=(\w+)-/.exec(request.headers.cookie ?? '')?.[1];
      if (request.url !== '/me') response.end('ok');
      else if (user === undefined) response.writeHead(401).end();
      else response.end(JSON.stringify({ id: user }));
    });
    const facade = await startRunningFacade(
      `version: 1
identity: { secret: "\${SECRET}", session: { cookie: sid, backend: origin, path: /me } }
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - { name: limited, match: { path: /limited/* }, to: origin, auth: session, rateLimit: { requests: 1, per: 1h, by: user } }
  - { name: rest, match: { path: /* }, to: origin }
`,
      { env: { SECRET: 's'.repeat(32) } },
    );
    const session = (value: string) => get('/limited/x', `Cookie: sid=${value}`);
    const asked = [
      session('ann-1'),
      session('ann-2'), // the same user, another session
      session('bob-1'),
      get('/limited/x'),
      session('nobody'),
    ];
    expect(await statuses(facade.port, asked)).toEqual([200, 429, 200, 200, 429]);
    expect((await askFrom('127.0.0.2', facade.port, get('/limited/x'))).status).toBe(200);
  });

  test('by user and by address: who is too fast by address is not asked about at the application', async () => {
    const origin = await startOrigin((request, response) => {
      if (request.url === '/me') response.writeHead(401);
      response.end();
    });
    const facade = await startRunningFacade(
      `version: 1
identity: { secret: "\${SECRET}", session: { cookie: sid, backend: origin, path: /me } }
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - name: limited
    match: { path: /* }
    to: origin
    auth: session
    rateLimit: [{ requests: 100, per: 1h, by: user }, { requests: 2, per: 1h }]
`,
      { env: { SECRET: 's'.repeat(32) } },
    );
    const guesses = Array.from({ length: 20 }, (_, index) => get('/', `Cookie: sid=guess${index}`));
    expect((await statuses(facade.port, guesses)).filter((status) => status === 200)).toHaveLength(2);
    expect(origin.asked.filter(({ url }) => url === '/me')).toHaveLength(2);
  });
});

test('of a list every limit must allow it, and one that does not is charged to none', async () => {
  const { facade } = await startWith(
    '[{ requests: 5, per: 1h }, { requests: 1, per: 1h, by: { header: k } }]',
  );
  const client = await RawClient.connect(facade.port);
  const key = (value: string) => get('/limited/x', `k: ${value}`);
  const first = await client.send(key('a')).answer();
  expect(first.header('ratelimit-policy')).toBe('"limited";q=5;w=3600, "limited.2";q=1;w=3600');
  expect(first.header('ratelimit')).toBe('"limited";r=4;t=720, "limited.2";r=0;t=3600');
  const refused = await client.send(key('a')).answer();
  expect(refused.header('ratelimit')).toMatch(/^"limited.2";r=0;t=/);
  expect(JSON.parse(refused.body)['violated-policies']).toEqual(['limited.2']);
  expect((await client.send(key('b')).answer()).header('ratelimit')).toContain('"limited";r=3;');
});

test('routes with one shared limit count together', async () => {
  const origin = await startOrigin(mirror);
  const facade = await startRunningFacade(`version: 1
rateLimits: { api: { requests: 2, per: 1h } }
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - { name: a, match: { path: /a }, to: origin, rateLimit: api }
  - { name: b, match: { path: /b }, to: origin, rateLimit: [api, { requests: 9, per: 1s }] }
  - { name: rest, match: { path: /* }, to: origin }
`);
  expect(await statuses(facade.port, [get('/a'), get('/b'), get('/a'), get('/b'), get('/c')])).toEqual([
    200, 200, 429, 429, 200,
  ]);
});

test('what was used stays used after a reload, also where the limit was changed', async () => {
  const { facade, origin } = await startWith('{ requests: 3, per: 1h }');
  await statuses(facade.port, times(2, get('/limited/x')));
  const reload = async (limit: string) => {
    const text = file(origin.port, limit, '# edited');
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
    await facade.replaceRoutes(text);
    await facade.logged((line) => line.digest === digest);
  };
  await reload('{ requests: 3, per: 1h }');
  expect(await statuses(facade.port, times(2, get('/limited/x')))).toEqual([200, 429]);
  await reload('{ requests: 4, per: 1h }');
  expect(await statuses(facade.port, times(2, get('/limited/x')))).toEqual([200, 429]);
});

test('what a header says of the limit replaces what the backend says', async () => {
  const origin = await startOrigin((_, response) => {
    response.setHeader('RateLimit', 'limit=1');
    response.end();
  });
  const facade = await startRunningFacade(file(origin.port, '{ requests: 5, per: 1h }'));
  const { headers } = await ask(facade.port, get('/limited/x'));
  expect(headers.filter(([name]) => name.toLowerCase() === 'ratelimit')).toEqual([
    ['ratelimit', '"limited";r=4;t=720'],
  ]);
});

test('REDIS_URL that is no URL of a Redis is refused at the start, and not shown', async () => {
  const origin = await startOrigin(mirror);
  for (const url of ['hunter2', 'http://:hunter2@x', 'redis://']) {
    const started = startRunningFacade(file(origin.port, '{ requests: 5, per: 1h }'), {
      env: { REDIS_URL: url },
    });
    const error = await started.catch((reason: unknown) => reason as Error & { code: string });
    expect(error).toMatchObject({ code: 'redis_url_invalid' });
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
  }
  const env = { REDIS_URL: 'redis://127.0.0.1', REDIS_TIMEOUT_MS: '5s' };
  const started = startRunningFacade(file(origin.port, '{ requests: 5, per: 1h }'), { env });
  await expect(started).rejects.toMatchObject({ code: 'redis_timeout_invalid' });
});

test('an answer from the cache counts too, and says what is left now', async () => {
  const origin = await startOrigin(mirror);
  const facade = await startRunningFacade(`version: 1
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - { name: kept, match: { path: /*, method: GET }, to: origin, cache: { fresh: 1h }, rateLimit: { requests: 3, per: 1h } }
`);
  const client = await RawClient.connect(facade.port);
  const answers = [];
  for (let index = 0; index < 4; index++) answers.push(await client.send(get('/x')).answer());
  expect(origin.asked).toHaveLength(1);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  const left = answers.map((answer) => /r=(\d)/.exec(answer.header('ratelimit') ?? '')?.[1]);
  expect(left).toEqual(['2', '1', '0', '0']);
  for (const { headers } of answers) {
    expect(headers.filter(([name]) => name.toLowerCase() === 'ratelimit')).toHaveLength(1);
  }
});
