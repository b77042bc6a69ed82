import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { get, RawClient } from '../../tests/raw-client.ts';
import { createReceivingServer } from '../server.ts';

// Slowloris: an attacker opens many connections and sends a head on each, a letter at a time and never the last one.
// A server that waits for all of them has none left for others.

/** A server that gives a head a tenth of a second, and says what it was asked for. */
async function impatientServer(): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const { server } = createReceivingServer({
    request(request, response) {
      asked.push(request.url ?? '');
      response.end('ok');
    },
    upgrade: (_, socket) => socket.destroy(),
  });
  server.headersTimeout = 100;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

test('a head that comes a letter at a time is cut off, while others are served', async () => {
  const { port, asked } = await impatientServer();
  const slow = await RawClient.connect(port);
  slow.send('GET /slow HTTP/1.1\r\nHost: a\r\n');
  const letters = setInterval(() => slow.send('X'), 20);
  onTestFinished(() => clearInterval(letters));
  const quick = (await RawClient.connect(port)).send(get('/quick'));
  expect((await quick.answer()).body).toBe('ok');

  const answer = await slow.answer();
  expect(answer.status).toBe(408);
  expect(JSON.parse(answer.body).code).toBe('request_timeout');
  clearInterval(letters);
  await slow.closed();
  expect(asked).toEqual(['/quick']);
});

test('a connection on which nothing is sent is cut off, too', async () => {
  const { port } = await impatientServer();
  const silent = await RawClient.connect(port);
  expect((await silent.answer()).status).toBe(408);
  await silent.closed();
});
