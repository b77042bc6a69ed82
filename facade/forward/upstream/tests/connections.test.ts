import { expect, test } from 'vitest';
import { startOrigin, startRawOrigin } from '../../../tests/origins.ts';
import { ask, get, RawClient } from '../../../tests/raw-client.ts';
import { startFacadeBefore } from '../../../tests/running-facade.ts';

test('the head of an upload goes out before its body', async () => {
  let asked = '';
  const origin = await startRawOrigin((_, received) => {
    asked = received;
  });
  const { port } = await startFacadeBefore(origin.port);
  const client = await RawClient.connect(port);
  client.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
  await expect.poll(() => asked).toMatch(/^POST \/a HTTP\/1\.1\r\n.*content-length: 5\r\n.*\r\n\r\n$/is);
});

test('trailers follow a chunked upload; framing and what the facade vouches for cannot hide in them', async () => {
  const origin = await startOrigin((request, response) => {
    request.resume().on('end', () => {
      response.end(JSON.stringify({ trailer: request.headers.trailer, trailers: request.rawTrailers }));
    });
  });
  const { port } = await startFacadeBefore(origin.port);
  const answer = await ask(
    port,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n' +
      '2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-Forwarded-For: 1.2.3.4\r\nX-Strangler-Identity: me\r\nHost: b\r\n\r\n',
  );
  expect(JSON.parse(answer.body)).toEqual({ trailer: 'X-Sum', trailers: ['X-Sum', '1'] });
});

test('an answer in a coding that would get lost is a failure, and not another body', async () => {
  const origin = await startRawOrigin((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n');
  });
  const { port } = await startFacadeBefore(origin.port);
  expect((await ask(port, get('/'))).status).toBe(502);
});

test('one connection serves requests that come one after another', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const { port } = await startFacadeBefore(origin.port);
  for (let round = 0; round < 5; round++) expect((await ask(port, get('/'))).body).toBe('ok');
  expect(origin.sockets.length).toBe(1);
});

test('a connection that the backend keeps for a second is not used after it', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (!received.endsWith('\r\n\r\n')) return;
    socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok');
  });
  const { port } = await startFacadeBefore(origin.port);
  await ask(port, get('/'));
  await ask(port, get('/'));
  expect(origin.sockets.length).toBe(2);
});

test('bytes that nobody asked for end their connection', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const { port } = await startFacadeBefore(origin.port);
  expect((await ask(port, get('/'))).body).toBe('ok');
  origin.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
  await expect.poll(() => origin.sockets[0]?.destroyed).toBe(true);
  expect((await ask(port, get('/'))).body).toBe('ok');
});
