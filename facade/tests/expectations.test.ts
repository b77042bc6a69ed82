import { expect, test } from 'vitest';
import { startOrigin, startRawOrigin } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';
import { startFacadeBefore } from './running-facade.ts';

// Whether a body is wanted is for the backend to say; what else is expected, for the facade.

test('Expect: 100-continue is not met for a request that is refused', async () => {
  const origin = await startOrigin((_, response) => response.end());
  const { port } = await startFacadeBefore(origin.port);
  const client = await RawClient.connect(port);
  client.send('POST /../x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  expect((await client.answer()).status).toBe(400);
  expect(await client.closed()).toBe('end');
});

test('another expectation is refused', async () => {
  const origin = await startOrigin((_, response) => response.end());
  const { port } = await startFacadeBefore(origin.port);
  const answer = await ask(port, get('/', 'Expect: miracles'));
  expect(answer.status).toBe(417);
  expect(JSON.parse(answer.body).code).toBe('expectation_unknown');
});

const upload = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';

test('Expect: 100-continue is met when the backend meets it, not before', async () => {
  let asked = '';
  const origin = await startRawOrigin((socket, received) => {
    asked = received;
    if (received.endsWith('hello')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const { port } = await startFacadeBefore(origin.port);
  const client = (await RawClient.connect(port)).send(upload);
  await expect.poll(() => asked).toMatch(/\r\nexpect: 100-continue\r\n.*\r\n\r\n$/s);
  origin.sockets[0]?.write('HTTP/1.1 100 Continue\r\n\r\n');
  expect((await client.answer()).status).toBe(100);
  client.send('hello');
  expect((await client.answer()).body).toBe('ok');
});

test('a refusal in place of 100-continue reaches the client, whose body is then not asked for', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (!received.endsWith('\r\n\r\n')) return;
    socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
  });
  const { port } = await startFacadeBefore(origin.port);
  const client = (await RawClient.connect(port)).send(upload);
  const answer = await client.answer();
  expect(answer).toMatchObject({ status: 413, body: 'no' });
  // What it sends next could be either, so it is not read.
  expect(answer.header('connection')).toBe('close');
  expect(await client.closed()).toBe('end');
});

test('a backend that does not know the expectation gets the body after a second', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (received.endsWith('hello')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const { port } = await startFacadeBefore(origin.port);
  const client = (await RawClient.connect(port)).send(upload);
  expect((await client.answer()).status).toBe(100);
  client.send('hello');
  expect((await client.answer()).body).toBe('ok');
});

test('a client that does not wait gets its body sent at once', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (received.endsWith('hello')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const { port } = await startFacadeBefore(origin.port, { timeouts: '{ request: 500ms }' });
  const client = (await RawClient.connect(port)).send(`${upload}hello`);
  const first = await client.answer();
  expect((first.status === 100 ? await client.answer() : first).body).toBe('ok');
});

test('100 Continue that nobody asked for goes to the client, as other interim answers do', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (!received.endsWith('\r\n\r\n')) return;
    socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const { port } = await startFacadeBefore(origin.port);
  const client = (await RawClient.connect(port)).send(get('/'));
  expect((await client.answer()).status).toBe(100);
  expect((await client.answer()).body).toBe('ok');
});
