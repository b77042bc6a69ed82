import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { listening, startRawOrigin } from '../../../tests/origins.ts';
import { ask, get } from '../../../tests/raw-client.ts';
import { createUpstreamAttempts } from '../attempts.ts';

test('a connection whose last answer was more than the client took at once serves the next request', async () => {
  const body = Buffer.alloc(60_000, 'x').toString();
  const origin = await startRawOrigin((socket, received) => {
    if (!received.endsWith('\r\n\r\n')) return;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  const attempts = createUpstreamAttempts();
  onTestFinished(() => attempts.close());
  const url = `http://127.0.0.1:${origin.port}`;
  const timeouts = { connect: 500, request: 500, idle: 500 };
  // So that every write is more than the client takes at once.
  const server = createServer({ highWaterMark: 1 }, (_, response) => {
    void attempts.attempt({
      backend: { name: 'origin', url, urls: [url], timeouts } as never,
      url,
      fresh: false,
      method: 'GET',
      path: '/',
      headers: ['host', 'a'],
      response,
      body: undefined,
      answerHeaders: [],
      tap: undefined,
      watcher: { head: () => true },
    });
  });
  const port = await listening(server, 0);
  onTestFinished(() => void server.close());
  for (let round = 0; round < 3; round++) expect((await ask(port, get('/'))).body).toBe(body);
  expect(origin.sockets.length).toBe(1);
});
