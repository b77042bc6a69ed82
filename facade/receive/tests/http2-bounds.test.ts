import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { listening, mirror, startOrigin } from '../../tests/origins.ts';
import { Http2Connections, http2Limits } from '../http2/connections.ts';
import { frameTypes, number, pseudo, RawHttp2 } from './raw-http2.ts';
import { answerOf, connectHttp2, connectRaw, startSecureFacade } from './secure-facade.ts';

const [maxConcurrentStreams, maxHeaderListSize, initialWindowSize] = [3, 6, 4];
const enableConnectProtocol = 8;

/** Connections without TLS, and with limits that are reached soon. */
async function boundedTo(
  limits: Partial<typeof http2Limits>,
  request: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ connections: Http2Connections; client: () => RawHttp2 }> {
  const upgrade = (_: IncomingMessage, socket: Duplex) => void socket.destroy();
  const connections = new Http2Connections({ request, upgrade }, { ...http2Limits, ...limits });
  const server = createServer((socket) => connections.take(socket));
  const port = await listening(server, 0);
  onTestFinished(() => {
    connections.cut();
    server.close();
  });
  return { connections, client: () => new RawHttp2(connect(port, '127.0.0.1')) };
}

test('the bounds are announced, and WebSockets over HTTP/2 are not', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  const frame = await raw.frame(({ type, flags }) => type === frameTypes.settings && flags === 0);
  const settings = new Map<number, number>();
  for (let at = 0; at < (frame?.payload.length ?? 0); at += 6) {
    settings.set(frame?.payload.readUInt16BE(at) ?? 0, frame?.payload.readUInt32BE(at + 2) ?? 0);
  }
  expect(settings.get(maxConcurrentStreams)).toBe(100);
  expect(settings.get(maxHeaderListSize)).toBe(40 * 1024);
  expect(settings.get(enableConnectProtocol) ?? 0).toBe(0);
});

test('more streams at once than announced end the connection', async () => {
  const held: ServerResponse[] = [];
  const all = Promise.withResolvers<void>();
  const origin = await startOrigin((_, response) => {
    if (held.push(response) === 100) all.resolve();
  });
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  for (let stream = 1; stream < 201; stream += 2) raw.get(stream, '/');
  await all.promise;
  raw.get(201, '/too-many');
  expect((await raw.goaway())?.payload.readUInt32BE(4)).toBe(constants.NGHTTP2_PROTOCOL_ERROR);
  await raw.closed();
  expect(origin.asked.map(({ url }) => url)).not.toContain('/too-many');
});

test('many header lines get 431, more or longer ones a reset, and the connection stays', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  const client = await connectHttp2(tlsPort);
  const lines = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, '1']));
  expect((await answerOf(client.request({ ':path': '/', ...lines(300) }))).status).toBe(431);
  const raw = await connectRaw(tlsPort);
  raw.get(1, '/', ...Object.entries(lines(1_200)));
  expect((await raw.ended(1))?.type).toBe(frameTypes.rstStream);
  // In one HEADERS and four CONTINUATION frames.
  const long = 'x'.repeat(12_000);
  raw.headers(3, [...pseudo('GET', '/'), ['x-0', long]], 1);
  for (let part = 1; part < 5; part++) raw.continuation(3, [[`x-${part}`, long]], part === 4);
  expect((await raw.ended(3))?.type).toBe(frameTypes.rstStream);
  raw.get(5, '/after');
  expect((await raw.ended(5))?.type).toBe(frameTypes.data);
  expect(origin.asked.map(({ url }) => url)).toEqual(['/after']);
});

test('a client that resets all its streams is sent away (CVE-2023-44487), and others are not', async () => {
  const origin = await startOrigin((request, response) => {
    if (request.url === '/well') response.end('well');
  });
  const { tlsPort } = await startSecureFacade(origin.port);
  const client = await connectHttp2(tlsPort);
  const raw = await connectRaw(tlsPort);
  for (let stream = 1; stream < 4_000; stream += 2) raw.get(stream, '/reset').reset(stream);
  const goaway = await raw.goaway();
  expect(goaway?.payload.readUInt32BE(4)).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  await raw.closed();
  expect((await answerOf(client.request({ ':path': '/well' }))).body).toBe('well');
});

test('a client that makes the facade reset its streams is sent away as well (CVE-2025-8671)', async () => {
  const origin = await startOrigin(() => {});
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  // A window that grows too far is an error of the stream (RFC 9113, 6.9.1).
  for (let stream = 1; stream < 1_000; stream += 2) {
    raw.get(stream, '/').send(frameTypes.windowUpdate, 0, stream, number(0x7fffffff));
  }
  expect((await raw.goaway())?.payload.readUInt32BE(4)).not.toBe(constants.NGHTTP2_NO_ERROR);
  await raw.closed();
});

test('a client that gives up a page full of requests is not', async () => {
  const origin = await startOrigin((request, response) => {
    if (request.url === '/well') response.end('well');
  });
  const { tlsPort } = await startSecureFacade(origin.port);
  const raw = await connectRaw(tlsPort);
  for (let stream = 1; stream < 201; stream += 2) raw.get(stream, '/').reset(stream);
  raw.get(201, '/well');
  expect((await raw.ended(201))?.type).toBe(frameTypes.data);
});

test('a flood of SETTINGS or PING whose answers are not taken ends the connection', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  for (const type of [frameTypes.settings, frameTypes.ping]) {
    const raw = await connectRaw(tlsPort);
    await raw.frame((frame) => frame.type === frameTypes.settings);
    raw.socket.pause();
    const payload = type === frameTypes.ping ? Buffer.alloc(8) : Buffer.alloc(0);
    while (!raw.socket.destroyed) {
      for (let times = 0; times < 10_000; times++) raw.send(type, 0, 0, payload);
      const closed = await Promise.race([
        once(raw.socket, 'close').then(() => true),
        once(raw.socket, 'drain').then(() => false),
      ]);
      if (closed) break;
    }
    expect(raw.socket.destroyed).toBe(true);
  }
});

test('a connection without a request is closed in good order, before its first and after its last', async () => {
  const { client } = await boundedTo({ first: 20, idle: 20 }, (_, response) => response.end('ok'));
  const silent = client();
  expect((await silent.goaway())?.payload.readUInt32BE(4)).toBe(constants.NGHTTP2_NO_ERROR);
  await silent.closed();
  const once = client();
  once.get(1, '/');
  await once.ended(1);
  expect((await once.goaway())?.payload.readUInt32BE(4)).toBe(constants.NGHTTP2_NO_ERROR);
  await once.closed();
});

test('a connection with a quiet stream stays', async () => {
  const response = Promise.withResolvers<ServerResponse>();
  const later = Promise.withResolvers<void>();
  const { client } = await boundedTo({ first: 20, idle: 20 }, (_, quiet) => response.resolve(quiet));
  const silent = client();
  const raw = client();
  raw.get(1, '/');
  const quiet = await response.promise;
  // By the time that this one is closed, so would the other have been.
  silent.goaway().then(() => later.resolve());
  await later.promise;
  await silent.closed();
  quiet.end('at last');
  expect((await raw.ended(1))?.payload.toString()).toBe('at last');
});

test('a header block that never ends holds a connection no longer than its first request may take', async () => {
  const { client } = await boundedTo({ first: 20 }, (_, response) => response.end('ok'));
  const raw = client();
  raw.headers(1, pseudo('GET', '/'), 1);
  await raw.closed();
});

test('a client that does not take the end of its answer loses its stream', async () => {
  const { client } = await boundedTo({ taking: 30 }, (_, response) => response.end('never taken'));
  const raw = client();
  raw.socket.pause();
  raw.send(frameTypes.settings, 0, 0, Buffer.from([0, initialWindowSize, 0, 0, 0, 0]));
  raw.get(1, '/');
  raw.socket.resume();
  const last = await raw.ended(1);
  expect(last?.type).toBe(frameTypes.rstStream);
  expect(last?.payload.readUInt32BE()).toBe(constants.NGHTTP2_CANCEL);
});

test('a body whose stream is reset without an error is not complete', async () => {
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<IncomingMessage>();
  const { client } = await boundedTo({}, (request) => {
    request.once('data', () => begun.resolve());
    request.once('close', () => over.resolve(request));
  });
  const raw = client();
  raw.headers(1, pseudo('POST', '/'), 4).data(1, 'part');
  await begun.promise;
  raw.reset(1, constants.NGHTTP2_NO_ERROR);
  const request = await over.promise;
  expect([request.complete, request.readableEnded]).toEqual([false, false]);
});
