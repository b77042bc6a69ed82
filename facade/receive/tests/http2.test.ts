import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { bodyOf, mirror, startBytesOrigin, startOrigin, startRawOrigin } from '../../tests/origins.ts';
import { frameTypes, pseudo } from './raw-http2.ts';
import { answerOf, connectHttp2, connectRaw, startSecureFacade } from './secure-facade.ts';

async function clientBefore(originPort: number) {
  const facade = await startSecureFacade(originPort);
  return { facade, client: await connectHttp2(facade.tlsPort) };
}

interface Mirrored {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly rawHeaders: string[];
}

test('a request and its answer', async () => {
  const origin = await startOrigin((request, response) => {
    response.setHeader('X-Spelled', 'Much');
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    mirror(request, response);
  });
  const { client } = await clientBefore(origin.port);
  const answer = await answerOf(
    client.request({
      ':authority': 'shop.example',
      ':path': '/a%2Fb/?q=1&q=2',
      'x-mixed': 'Value',
      'x-bytes': 'caf\xe9',
    }),
  );
  const { method, url, headers, rawHeaders } = JSON.parse(
    Buffer.from(answer.body, 'latin1').toString(),
  ) as Mirrored;
  expect(answer.status).toBe(200);
  expect({ method, url }).toEqual({ method: 'GET', url: '/a%2Fb/?q=1&q=2' });
  expect(headers).toMatchObject({
    host: 'shop.example',
    'x-mixed': 'Value',
    'x-bytes': 'caf\xe9',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'shop.example',
    'x-forwarded-for': '127.0.0.1',
  });
  expect(rawHeaders.filter((name) => name.startsWith(':'))).toEqual([]);
  expect(rawHeaders.filter((name) => name.toLowerCase() === 'host')).toHaveLength(1);
  expect(answer.headers).toMatchObject({
    'x-spelled': 'Much',
    'x-served-by': 'origin',
    'set-cookie': ['a=1', 'b=2'],
  });
});

test('headers that mean an HTTP/1.1 connection do not reach the client', async () => {
  const origin = await startBytesOrigin(
    'HTTP/1.1 200 OK\r\nConnection: keep-alive, x-own\r\nKeep-Alive: timeout=5\r\nX-Own: 1\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\nProxy-Connection: close\r\nage: 1\r\nAge: 2\r\nX-Bytes: caf\xe9\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  );
  const { client } = await clientBefore(origin.port);
  const { headers, body } = await answerOf(client.request({ ':path': '/' }));
  expect(body).toBe('ok');
  expect(Object.keys(headers).sort()).toEqual([':status', 'age', 'date', 'x-bytes', 'x-served-by']);
  expect(headers['x-bytes']).toBe('caf\xe9');
});

test.each([
  [':path', [['transfer-encoding', 'chunked']]],
  ['connection', [['connection', 'close']]],
  ['upgrade', [['upgrade', 'websocket']]],
  ['te other than trailers', [['te', 'gzip']]],
  ['a name in capitals', [['X-Evil', '1']]],
  ['two paths', [[':path', '/other']]],
  ['a wish for a WebSocket (RFC 8441), which is not offered', [[':protocol', 'websocket']]],
] as const)('a request with %s is reset, and no backend hears of it', async (_, lines) => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  raw.headers(1, [...pseudo('GET', '/'), ...lines]);
  expect((await raw.ended(1))?.type).toBe(frameTypes.rstStream);
  raw.get(3, '/after');
  expect((await raw.ended(3))?.type).toBe(frameTypes.data);
  expect(origin.asked.map(({ url }) => url)).toEqual(['/after']);
});

test('lines that are smuggled in a value do not become lines of the backend’s', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  raw.get(1, '/', ['x-a', 'a\r\nx-evil: 1'], ['x-b', 'b\0'], ['x-c: 1\r\nx-evil', '1']);
  await raw.ended(1);
  expect(origin.asked.flatMap(({ rawHeaders }) => rawHeaders).join(' ')).not.toMatch(/evil|[\r\n\0]/);
});

test('a Host beside :authority must say the same', async () => {
  const origin = await startOrigin(mirror);
  const { client } = await clientBefore(origin.port);
  const same = client.request({ ':authority': 'shop.example', host: 'SHOP.example' });
  expect((JSON.parse((await answerOf(same)).body) as Mirrored).headers.host).toBe('shop.example');
  const other = client.request({ ':authority': 'shop.example', host: 'other.example' });
  expect(await answerOf(other)).toMatchObject({
    status: 400,
    body: expect.stringContaining('duplicate_host'),
  });
  expect(origin.asked).toHaveLength(1);
});

test('a target that is refused over HTTP/1.1 is refused', async () => {
  const origin = await startOrigin(mirror);
  const { client } = await clientBefore(origin.port);
  const { status, headers, body } = await answerOf(client.request({ ':path': '/a/../b' }));
  expect({ status, body: JSON.parse(body) }).toMatchObject({
    status: 400,
    body: { code: 'path_dot_element' },
  });
  expect(headers.connection).toBeUndefined();
  expect((await answerOf(client.request({ ':path': '/fine' }))).status).toBe(200);
});

test('CONNECT and unknown expectations are refused', async () => {
  const origin = await startOrigin(mirror);
  const { client } = await clientBefore(origin.port);
  const connect = client.request({ ':method': 'CONNECT', ':authority': 'shop.example:443' });
  expect((await answerOf(connect)).status).toBe(405);
  const strange = client.request({ ':path': '/', expect: '200-ok' });
  expect((await answerOf(strange)).status).toBe(417);
  expect(origin.asked).toEqual([]);
});

test('crumbs of a cookie are put together', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  raw.get(1, '/', ['cookie', 'a=1'], ['x-a', '1'], ['cookie', 'b=2'], ['cookie', 'c=3']);
  await raw.ended(1);
  const lines = origin.asked[0]?.rawHeaders ?? [];
  expect(lines.filter((_, index) => lines[index - 1]?.toLowerCase() === 'cookie')).toEqual(['a=1; b=2; c=3']);
});

test('a body with a length, and one without', async () => {
  const origin = await startOrigin(async (request, response) => {
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    response.end(JSON.stringify({ length, coding, body: (await bodyOf(request)).toString() }));
  });
  const { client } = await clientBefore(origin.port);
  const known = client.request({ ':method': 'POST', 'content-length': '5' });
  known.end('hello');
  expect(JSON.parse((await answerOf(known)).body)).toEqual({ length: '5', body: 'hello' });
  const unknown = client.request({ ':method': 'POST' });
  unknown.write('hel');
  unknown.end('lo');
  expect(JSON.parse((await answerOf(unknown)).body)).toEqual({ coding: 'chunked', body: 'hello' });
  const none = client.request({ ':method': 'POST' }, { endStream: true });
  expect(JSON.parse((await answerOf(none)).body)).toMatchObject({ body: '' });
});

test('a body that is not as long as it says is none that a backend takes for whole', async () => {
  const bodies: Promise<string>[] = [];
  const origin = await startOrigin((request, response) => {
    bodies.push(text(request).catch(() => 'cut'));
    request.on('end', () => response.end('whole'));
  });
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  raw.headers(1, [...pseudo('POST', '/'), ['content-length', '9']], 4).data(1, 'short', 1);
  expect((await raw.ended(1))?.type).toBe(frameTypes.rstStream);
  raw
    .headers(3, [...pseudo('POST', '/'), ['content-length', '2']], 4)
    .data(3, 'GET /smuggled HTTP/1.1\r\n\r\n', 1);
  await raw.closed();
  await Promise.all(origin.asked.map((_, index) => bodies[index]));
  expect(await Promise.all(bodies)).not.toContain('short');
  expect(origin.asked.map(({ url }) => url)).not.toContain('/smuggled');
});

test('trailers go both ways', async () => {
  const origin = await startOrigin(async (request, response) => {
    response.setHeader('trailer', 'x-sum');
    response.write((await bodyOf(request)).toString());
    response.addTrailers({ 'X-Sum': 'out', 'x-saw': request.trailers['x-in'] ?? 'none' });
    response.end();
  });
  const { client } = await clientBefore(origin.port);
  const stream = client.request({ ':method': 'POST', te: 'trailers' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-in': 'in' }));
  stream.end('body');
  expect(await answerOf(stream)).toMatchObject({
    body: 'body',
    headers: { trailer: 'x-sum' },
    trailers: { 'x-sum': 'out', 'x-saw': 'in' },
  });
});

test('103 Early Hints arrive before the answer', async () => {
  const origin = await startOrigin((_, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' }, () => response.end('ok'));
  });
  const { client } = await clientBefore(origin.port);
  const stream = client.request({ ':path': '/' });
  const [hints] = await once(stream, 'headers');
  expect(hints).toMatchObject({ ':status': 103, link: '</a.css>; rel=preload' });
  expect((await answerOf(stream)).body).toBe('ok');
});

test('Expect: 100-continue is answered when the body is wanted', async () => {
  const origin = await startOrigin(async (request, response) => {
    response.end(`${request.headers.expect} ${await bodyOf(request)}`);
  });
  const { client } = await clientBefore(origin.port);
  const stream = client.request({ ':method': 'POST', expect: '100-continue' });
  await once(stream, 'continue');
  stream.end('body');
  expect((await answerOf(stream)).body).toMatch(/body$/);
});

test.each([200, 204, 304])('an answer without a body ends with its head: HEAD or %i', async (status) => {
  const origin = await startOrigin((_, response) => {
    response.writeHead(status, status === 200 ? { 'content-length': '1000' } : {});
    response.end();
  });
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  raw.headers(1, pseudo(status === 200 ? 'HEAD' : 'GET', '/'));
  const last = await raw.ended(1);
  expect(last?.type).toBe(frameTypes.headers);
  const client = await connectHttp2(tlsPort);
  const { headers } = await answerOf(client.request({ ':method': status === 200 ? 'HEAD' : 'GET' }));
  expect(headers).toMatchObject({ ':status': status, ...(status === 200 && { 'content-length': '1000' }) });
});

test('a status that HTTP/2 has no room for is a 502', async () => {
  const origin = await startBytesOrigin('HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nno');
  const { client } = await clientBefore(origin.port);
  expect(await answerOf(client.request({ ':path': '/' }))).toMatchObject({ status: 502, body: 'no' });
});

test('the head of an answer does not wait for its body', async () => {
  const heads = Promise.withResolvers<ServerResponse>();
  const origin = await startOrigin((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    heads.resolve(response);
  });
  const { client } = await clientBefore(origin.port);
  const stream = client.request({ ':path': '/' });
  const [headers] = await once(stream, 'response');
  expect(headers['content-type']).toBe('text/event-stream');
  (await heads.promise).end('data: 1\n\n');
  expect((await answerOf(stream)).body).toBe('data: 1\n\n');
});

test.each([
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
  ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello'],
])('an answer %s that breaks off is reset, never ended', async (_, bytes) => {
  const origin = await startBytesOrigin(bytes, (socket) => socket.resetAndDestroy());
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  raw.get(1, '/');
  const last = await raw.ended(1);
  expect(last?.type).toBe(frameTypes.rstStream);
  expect(last?.payload.readUInt32BE()).toBe(constants.NGHTTP2_INTERNAL_ERROR);
});

test.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR])(
  'a client that resets its stream (%i) leaves the backend too',
  async (code) => {
    const left = Promise.withResolvers<void>();
    const origin = await startOrigin((request) => request.once('close', left.resolve));
    const { tlsPort } = await startSecureFacade(origin.port);
    const raw = await connectRaw(tlsPort);
    raw.get(1, '/');
    while (origin.asked.length === 0) await once(origin.server, 'request');
    raw.reset(1, code);
    await left.promise;
  },
);

test.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR])(
  'a body that its client gives up (%i) is not whole to the backend',
  async (code) => {
    const bodies = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const origin = await startOrigin((request) => {
      request.once('data', () => begun.resolve());
      text(request).then(bodies.resolve, () => bodies.resolve('cut'));
    });
    const { tlsPort } = await startSecureFacade(origin.port);
    const raw = await connectRaw(tlsPort);
    raw.headers(1, pseudo('POST', '/'), 4).data(1, 'part');
    await begun.promise;
    raw.reset(1, code);
    expect(await bodies.promise).toBe('cut');
  },
);

test('many streams on one connection each get their own bytes', async () => {
  const origin = await startOrigin(async (request, response) => {
    const body = await bodyOf(request);
    response.write(`${request.url} `);
    setImmediate(() => response.end(body));
  });
  const { client } = await clientBefore(origin.port);
  const answers = Array.from({ length: 300 }, async (_, index) => {
    const body = `${index} `.repeat(1 + (index % 7) * 5_000);
    const stream = client.request({ ':method': 'POST', ':path': `/${index}` });
    stream.end(body);
    return (await answerOf(stream)).body === `/${index} ${body}`;
  });
  expect(await Promise.all(answers)).not.toContain(false);
});

test('a stream whose bytes nobody takes holds no other up, either way', async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((request, response) => {
    if (request.url === '/held') held.push(response);
    else if (request.url === '/long') response.end(Buffer.alloc(8 * 1024 * 1024));
    else response.end('quick');
  });
  const { client } = await clientBefore(origin.port);
  const long = client.request({ ':path': '/long' });
  await once(long, 'response');
  const upload = client.request({ ':method': 'POST', ':path': '/held' });
  // More than every window and buffer between here and the backend, which reads nothing of it.
  const whole = upload.write(Buffer.alloc(16 * 1024 * 1024));
  expect(whole).toBe(false);
  for (let turn = 0; turn < 20; turn++) {
    expect((await answerOf(client.request({ ':path': '/quick' }))).body).toBe('quick');
  }
  expect(upload.writableLength).toBeGreaterThan(0);
  expect((await answerOf(long)).body).toHaveLength(8 * 1024 * 1024);
  upload.destroy();
});

test('an upload that nobody wants any more is ended without an error, after its answer', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (received.includes('\r\n\r\n')) socket.write('HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno');
  });
  const { facade, client } = await clientBefore(origin.port);
  const upload = client.request({ ':method': 'POST', ':path': '/' });
  upload.write('some');
  expect(await answerOf(upload)).toMatchObject({ status: 413, body: 'no' });
  const raw = await connectRaw(facade.tlsPort);
  raw.headers(1, pseudo('POST', '/'), 4).data(1, 'some');
  expect((await raw.ended(1))?.type).toBe(frameTypes.data);
  const reset = await raw.frame(({ type }) => type === frameTypes.rstStream);
  expect(reset?.payload.readUInt32BE()).toBe(constants.NGHTTP2_NO_ERROR);
});
