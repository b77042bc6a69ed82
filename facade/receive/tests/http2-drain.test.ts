import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startOrigin } from '../../tests/origins.ts';
import { get } from '../../tests/raw-client.ts';
import { frameTypes } from './raw-http2.ts';
import { connectRaw, connectTls, startSecureFacade } from './secure-facade.ts';

async function holding() {
  const held = Promise.withResolvers<ServerResponse>();
  const origin = await startOrigin((_, response) => held.resolve(response));
  return { facade: await startSecureFacade(origin.port), held: held.promise };
}

test('when the facade stops, streams under way finish, and clients are told which those are', async () => {
  const { facade, held } = await holding();
  const raw = await connectRaw(facade.tlsPort);
  const idle = await connectRaw(facade.tlsPort);
  await idle.frame(({ type }) => type === frameTypes.settings);
  raw.get(1, '/');
  const response = await held;
  const closed = facade.close(10_000);
  const goaway = await raw.goaway();
  expect([goaway?.payload.readUInt32BE(0), goaway?.payload.readUInt32BE(4)]).toEqual([
    1,
    constants.NGHTTP2_NO_ERROR,
  ]);
  await idle.closed();
  response.end('whole');
  expect((await raw.ended(1))?.payload.toString()).toBe('whole');
  await raw.closed();
  await closed;
});

test('after the deadline what is left is cut, a handshake that is not done as well', async () => {
  const { facade, held } = await holding();
  const raw = await connectRaw(facade.tlsPort);
  const shaking = connect(facade.tlsPort, '127.0.0.1');
  await once(shaking, 'connect');
  raw.get(1, '/');
  await held;
  await facade.close(50);
  await raw.closed();
  expect(raw.frames.some(({ stream, flags, type }) => stream === 1 && type === 0 && flags === 1)).toBe(false);
});

test('connections of HTTP/1.1 with TLS end too: idle ones, reserves, and after an answer', async () => {
  const { facade, held } = await holding();
  const reserve = await connectTls(facade.tlsPort);
  const busy = await connectTls(facade.tlsPort);
  const reserveClosed = once(reserve.resume(), 'close');
  busy.write(get('/'));
  const response = await held;
  const closed = facade.close(10_000);
  await reserveClosed;
  response.end('whole');
  let answer = '';
  for await (const piece of busy) answer += piece;
  expect(answer).toMatch(/connection: close\r\n.*whole/is);
  await closed;
});
