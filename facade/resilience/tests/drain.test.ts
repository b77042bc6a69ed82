import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startFacadeBefore } from '../../tests/running-facade.ts';

const handshake = get(
  '/',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
);

test('readiness fails first, what is under way is answered, and nothing new is taken', async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((request, response) => {
    if (request.url === '/held') held.push(response);
    else response.end();
  });
  const facade = await startFacadeBefore(origin.port);
  const answer = ask(facade.port, get('/held'));
  await expect.poll(() => held.length).toBe(1);
  const closed = facade.close(10_000);
  await expect.poll(async () => (await fetch(`${facade.adminUrl}/readyz`)).status).toBe(503);
  await expect
    .poll(() =>
      fetch(facade.url).then(
        (taken) => taken.status,
        () => 'refused',
      ),
    )
    .toBe('refused');
  held[0]?.end('done');
  expect((await answer).body).toBe('done');
  expect((await answer).header('connection')).toBe('close');
  await closed;
});

test('what is not over at the deadline is cut', async () => {
  const origin = await startOrigin((_, response) => response.write('begun'));
  const facade = await startFacadeBefore(origin.port);
  const client = (await RawClient.connect(facade.port)).send(get('/'));
  await client.until('begun');
  const startedAt = performance.now();
  await facade.close(150);
  expect(performance.now() - startedAt).toBeGreaterThan(140);
  expect(await client.closed()).toBe('end');
});

describe('WebSockets', () => {
  /** A WebSocket server that says which close code it got. */
  async function startEcho() {
    const origin = await startOrigin((_, response) => response.end());
    const server = new WebSocketServer({ server: origin.server });
    const code = Promise.withResolvers<number>();
    server.on('connection', (socket) => {
      socket.on('message', (message) => socket.send(message));
      socket.on('close', (got) => code.resolve(got));
    });
    return { ...origin, code: code.promise };
  }

  test('both ends are told that the facade goes away: 1001', async () => {
    const origin = await startEcho();
    const facade = await startFacadeBefore(origin.port);
    const client = new WebSocket(`ws://127.0.0.1:${facade.port}/`);
    await new Promise((resolve) => client.once('open', resolve));
    client.send('hello');
    await new Promise((resolve) => client.once('message', resolve));
    const closed = new Promise((resolve) => client.once('close', resolve));
    await facade.close(10_000);
    expect(await closed).toBe(1001);
    expect(await origin.code).toBe(1001);
  });

  test('also one on which nothing was said yet, and one that compresses', async () => {
    const origin = await startEcho();
    const facade = await startFacadeBefore(origin.port);
    const clients = [false, true].map(
      (perMessageDeflate) => new WebSocket(`ws://127.0.0.1:${facade.port}/`, { perMessageDeflate }),
    );
    await Promise.all(clients.map((client) => new Promise((resolve) => client.once('open', resolve))));
    const closed = clients.map((client) => new Promise((resolve) => client.once('close', resolve)));
    await facade.close(10_000);
    expect(await Promise.all(closed)).toEqual([1001, 1001]);
  });

  /** A backend that has the tunnel's bytes in its hands. */
  async function startTunnel() {
    const tunnel = Promise.withResolvers<Duplex>();
    const origin = await startOrigin((_, response) => response.end());
    onTestFinished(async () => void (await tunnel.promise).destroy());
    origin.server.on('upgrade', (_, socket) => {
      socket.on('error', () => socket.destroy());
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      tunnel.resolve(socket);
    });
    return { ...origin, tunnel: tunnel.promise };
  }

  test('a frame under way is finished first, and nothing follows the close', async () => {
    const origin = await startTunnel();
    const facade = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(facade.port)).send(handshake);
    await client.until('\r\n\r\n');
    const tunnel = await origin.tunnel;
    tunnel.write(Buffer.concat([Buffer.from([0x82, 10]), Buffer.from('01234')]));
    await client.until('01234');
    const closed = facade.close(10_000);
    await expect.poll(async () => (await fetch(`${facade.adminUrl}/readyz`)).status).toBe(503);
    expect(client.received).toMatch(/01234$/);
    tunnel.write(Buffer.concat([Buffer.from('56789'), Buffer.from([0x82, 5]), Buffer.from('after')]));
    await client.until('56789\x88\x02\x03\xe9');
    // The client's own close frame, masked, goes to the backend, which then closes.
    const heard = new Promise<Buffer>((resolve) => tunnel.once('data', resolve));
    client.send(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]));
    expect((await heard).subarray(0, 2)).toEqual(Buffer.from([0x88, 0x82]));
    tunnel.end(Buffer.from([0x88, 0x02, 0x03, 0xe9]));
    expect(await client.closed()).toBe('end');
    expect(client.received.endsWith('56789\x88\x02\x03\xe9')).toBe(true);
    await closed;
  });

  test('after a close frame of the backend there is no second one', async () => {
    const origin = await startTunnel();
    const facade = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(facade.port)).send(handshake);
    await client.until('\r\n\r\n');
    (await origin.tunnel).write(Buffer.from([0x88, 0x02, 0x03, 0xe8]));
    await client.until('\x88\x02\x03\xe8');
    await facade.close(100);
    expect(client.received.endsWith('\r\n\r\n\x88\x02\x03\xe8')).toBe(true);
  });

  test('one that does not answer is cut at the deadline', async () => {
    const origin = await startTunnel();
    const facade = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(facade.port)).send(handshake);
    await client.until('\r\n\r\n');
    const startedAt = performance.now();
    await facade.close(150);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await client.closed();
  });
});
