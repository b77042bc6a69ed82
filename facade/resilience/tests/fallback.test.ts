import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { bodyOf, startOrigin, startRawOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';

const secret = 'x'.repeat(40);

/** A facade whose route goes to `first` and falls back to `second`. */
function startFacade(
  first: number,
  second: number,
  more: { route?: string; first?: string; second?: string } = {},
): Promise<RunningFacade> {
  return startRunningFacade(
    `version: 1
servedBy: true
identity: { secret: "\${IDENTITY_SECRET}" }
backends:
  first: { url: http://127.0.0.1:${first}, timeouts: { connect: 300ms, request: 200ms }${more.first ?? ''} }
  second: { url: http://127.0.0.1:${second}${more.second ?? ''} }
routes:
  - { name: all, match: { path: /* }, to: first, fallback: second${more.route ?? ''} }
`,
    { env: { IDENTITY_SECRET: secret } },
  );
}

const echo: RequestListener = async (request, response) => {
  const body = await bodyOf(request);
  response.end(`${request.method} ${body.length} ${body.toString('latin1').slice(0, 20)}`);
};

/** Nobody listens there, and it is none of those that are given out, so that no other test gets it. */
const portOfNobody = 1;

function post(body: string, ...headers: string[]): string {
  return [
    'POST /orders HTTP/1.1',
    'Host: shop.example',
    `Content-Length: ${body.length}`,
    ...headers,
    '',
    body,
  ].join('\r\n');
}

describe('nothing reached the first backend', () => {
  test('any request is answered by the other, with its body; who answered and why is told', async () => {
    const second = await startOrigin(echo);
    const facade = await startFacade(portOfNobody, second.port);
    const answer = await ask(facade.port, post('hello'));
    expect([answer.status, answer.body, answer.header('x-served-by')]).toEqual([
      200,
      'POST 5 hello',
      'second',
    ]);
    expect(await facade.metrics()).toContain(
      'strangler_fallbacks_total{route="all",from="first",to="second",reason="unreachable"} 1',
    );
    expect(await facade.logged((line) => line.msg === 'request')).toMatchObject({
      backend: 'second',
      status: 200,
    });
  });

  test('a body of any size, because none of it was read', async () => {
    const second = await startOrigin(echo);
    const facade = await startFacade(portOfNobody, second.port);
    const answer = await ask(facade.port, post('x'.repeat(1_000_000)));
    expect(answer.body).toMatch(/^POST 1000000 /);
  });

  test('100-continue is sent once, when the other one takes the body', async () => {
    const second = await startOrigin(echo);
    const { port } = await startFacade(portOfNobody, second.port);
    const client = await RawClient.connect(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
    await client.until('HTTP/1.1 100 Continue\r\n\r\n');
    const before = client.received;
    client.send('hi');
    await client.until('POST 2 hi');
    expect(client.received.slice(before.length)).not.toContain('100 Continue');
  });

  test('the breaker is open: the other one answers at once', async () => {
    const first = await startOrigin((request, response) => {
      request.resume();
      response.writeHead(500 + (request.url === '/bad' ? 3 : 0)).end();
    });
    const second = await startOrigin(echo);
    const facade = await startFacade(first.port, second.port, {
      first: ', breaker: { failures: 1 }',
      route: ', fallbackOn: [599]',
    });
    expect((await ask(facade.port, get('/bad'))).status).toBe(503);
    const answer = await ask(facade.port, post('hello'));
    expect([answer.body, answer.header('x-served-by')]).toEqual(['POST 5 hello', 'second']);
    expect(first.asked).toHaveLength(1);
    expect(await facade.metrics()).toContain('reason="circuit_open"} 1');
  });
});

describe('the first backend may have done what was asked', () => {
  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('%s: the other one answers', async (method) => {
    const first = await startRawOrigin((socket, received) => {
      if (received.includes('\r\n\r\n')) socket.destroy();
    });
    const second = await startOrigin(echo);
    const { port } = await startFacade(first.port, second.port);
    const answer = await ask(port, `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`, method);
    expect([answer.status, answer.header('x-served-by')]).toEqual([200, 'second']);
  });

  test.each([
    ['closes the connection', 502, 'backend_reset'],
    ['is silent', 504, 'backend_answer_timeout'],
    ['answers 503', 503, undefined],
  ])('%s: a POST is not put to the other one', async (how, status, code) => {
    const first = await startRawOrigin((socket, received) => {
      if (!received.endsWith('hello')) return;
      if (how === 'closes the connection') socket.destroy();
      else if (how === 'answers 503') socket.write('HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy');
    });
    const second = await startOrigin(echo);
    const { port } = await startFacade(first.port, second.port);
    const answer = await ask(port, post('hello'));
    expect(answer.status).toBe(status);
    if (code === undefined) expect([answer.body, answer.header('x-served-by')]).toEqual(['busy', 'first']);
    else expect(JSON.parse(answer.body).code).toBe(code);
    expect(second.asked).toEqual([]);
  });

  test('a POST with an Idempotency-Key is, where the route says that both know it', async () => {
    const first = await startRawOrigin((socket, received) => {
      if (received.endsWith('hello')) socket.destroy();
    });
    const second = await startOrigin(echo);
    const honoured = await startFacade(first.port, second.port, { route: ', idempotencyKey: honoured' });
    expect((await ask(honoured.port, post('hello', 'Idempotency-Key: "a1"'))).body).toBe('POST 5 hello');
    expect((await ask(honoured.port, post('hello'))).status).toBe(502);
    const unknown = await startFacade(first.port, second.port);
    expect((await ask(unknown.port, post('hello', 'Idempotency-Key: "a1"'))).status).toBe(502);
  });

  test('502, 503 and 504 of the first are not seen, other statuses are; fallbackOn changes which', async () => {
    const first = await startOrigin((request, response) => {
      response.writeHead(Number(request.url?.slice(1)), { 'set-cookie': 'of=first' }).end('of the first');
    });
    const second = await startOrigin(echo);
    const standard = await startFacade(first.port, second.port, { first: ', breaker: false' });
    const served = async (port: number, status: number) => {
      const answer = await ask(port, get(`/${status}`));
      expect(answer.header('set-cookie')).toBe(answer.status === 200 ? undefined : 'of=first');
      return answer.header('x-served-by');
    };
    for (const status of [502, 503, 504]) expect(await served(standard.port, status)).toBe('second');
    for (const status of [404, 500, 501]) expect(await served(standard.port, status)).toBe('first');
    expect(await standard.metrics()).toContain('from="first",to="second",reason="status_503"} 1');
    const other = await startFacade(first.port, second.port, {
      first: ', breaker: false',
      route: ', fallbackOn: [404]',
    });
    expect(await served(other.port, 404)).toBe('second');
    expect(await served(other.port, 503)).toBe('first');
  });

  test('an answer that has begun is not replaced', async () => {
    const first = await startRawOrigin((socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', () => socket.destroy());
    });
    const second = await startOrigin(echo);
    const { port } = await startFacade(first.port, second.port);
    await expect(ask(port, get('/'))).rejects.toThrow('incomplete answer');
    expect(second.asked).toEqual([]);
  });

  test('a client that leaves is no reason', async () => {
    const arrived = Promise.withResolvers<void>();
    const first = await startOrigin(() => arrived.resolve());
    const second = await startOrigin(echo);
    const facade = await startFacade(first.port, second.port, { first: ', breaker: false' });
    const client = (await RawClient.connect(facade.port)).send(get('/'));
    await arrived.promise;
    client.socket.destroy();
    await facade.logged((line) => line.failure === 'client_gone');
    expect(second.asked).toEqual([]);
  });
});

describe('bodies', () => {
  /** Takes so many bytes of a request, and resets the connection. */
  function startBreakingOrigin(after: number) {
    return startRawOrigin((socket, received) => {
      if (received.length > after) socket.resetAndDestroy();
    });
  }

  function put(length: number, ...headers: string[]): string {
    const head = ['PUT / HTTP/1.1', 'Host: a', `Content-Length: ${length}`, ...headers, '', ''].join('\r\n');
    return `${head}start${'x'.repeat(length - 5)}`;
  }

  test('up to 64 KiB are kept, and sent again whole', async () => {
    const first = await startBreakingOrigin(60_000);
    const second = await startOrigin(echo);
    const { port } = await startFacade(first.port, second.port);
    expect((await ask(port, put(65_536))).body).toBe(`PUT 65536 start${'x'.repeat(15)}`);
  });

  test('what the client sends after the first has failed goes to the other', async () => {
    const first = await startBreakingOrigin(120);
    const second = await startOrigin(echo);
    const facade = await startFacade(first.port, second.port);
    const client = await RawClient.connect(facade.port);
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await expect.poll(async () => (await facade.metrics()).includes('reason="reset"} 1')).toBe(true);
    client.send('6\r\n world\r\n0\r\n\r\n');
    expect((await client.answer()).body).toBe('PUT 11 hello world');
  });

  test('longer ones are streamed: no fallback once they have begun, and never 413', async () => {
    const first = await startBreakingOrigin(100_000);
    const second = await startOrigin(echo);
    const { port } = await startFacade(first.port, second.port);
    const answer = await ask(port, put(200_000));
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([502, 'backend_reset']);
    expect(second.asked).toEqual([]);
  });

  test('longer ones reach a first backend that works', async () => {
    const first = await startOrigin(echo);
    const second = await startOrigin(echo);
    const { port } = await startFacade(first.port, second.port);
    const answer = await ask(port, put(3_000_000));
    expect([answer.body.slice(0, 11), answer.header('x-served-by')]).toEqual(['PUT 3000000', 'first']);
  });

  test('fallbackBody sets the bound', async () => {
    const first = await startBreakingOrigin(90);
    const second = await startOrigin(echo);
    const { port } = await startFacade(first.port, second.port, {
      first: ', breaker: false',
      route: ', fallbackBody: 100B',
    });
    expect((await ask(port, put(100))).status).toBe(200);
    expect((await ask(port, put(101))).status).toBe(502);
  });

  test('a refusal in the middle of an upload falls back with the whole body', async () => {
    let taken = '';
    const first = await startRawOrigin((socket, received) => {
      taken = received;
      if (/hello(\r\n)?$/.test(received)) socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nbu');
    });
    const second = await startOrigin(echo);
    const facade = await startFacade(first.port, second.port);
    const client = await RawClient.connect(facade.port);
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await expect.poll(async () => (await facade.metrics()).includes('reason="status_503"} 1')).toBe(true);
    client.send('6\r\n world\r\n0\r\n\r\n');
    expect((await client.answer()).body).toBe('PUT 11 hello world');
    // The first must not take what it got for all there is.
    await expect.poll(() => first.sockets.every((socket) => socket.destroyed)).toBe(true);
    expect(taken).toMatch(/5\r\nhello(\r\n)?$/);
  });
});

test('the other backend gets its own identity, Host and headers', async () => {
  const first = await startOrigin((_, response) => response.writeHead(503).end());
  const second = await startOrigin((_, response) => response.end());
  const { port } = await startFacade(first.port, second.port, {
    first: ', identity: true',
    second: ', identity: true, host: backend',
  });
  expect((await ask(port, get('/'))).status).toBe(200);
  const audience = (token: string | string[] | undefined) =>
    JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()).aud;
  const [asked] = second.asked;
  expect(audience(first.asked[0]?.headers['x-strangler-identity'])).toBe('first');
  expect(audience(asked?.headers['x-strangler-identity'])).toBe('second');
  expect([first.asked[0]?.headers.host, asked?.headers.host]).toEqual([
    'shop.example',
    `127.0.0.1:${second.port}`,
  ]);
});

test('both fail: the failure of the one asked last is told', async () => {
  const facade = await startFacade(portOfNobody, portOfNobody);
  const answer = await ask(facade.port, get('/'));
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'backend_unreachable', backend: 'second' });
});

test('a declined answer does not cost its connection', async () => {
  const first = await startOrigin((_, response) => response.writeHead(503).end('x'.repeat(1_000)));
  const second = await startOrigin(echo);
  const { port } = await startFacade(first.port, second.port, { first: ', breaker: false' });
  let connections = 0;
  first.server.on('connection', () => connections++);
  const client = await RawClient.connect(port);
  for (let time = 0; time < 5; time++) expect((await client.send(get('/')).answer()).status).toBe(200);
  expect(connections).toBe(1);
});
