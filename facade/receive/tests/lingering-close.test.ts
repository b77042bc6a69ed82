import { expect, test } from 'vitest';
import { startOrigin } from '../../tests/origins.ts';
import { get, RawClient } from '../../tests/raw-client.ts';
import { startFacadeBefore } from '../../tests/running-facade.ts';

const size = 6 * 1024 * 1024;
const upload = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`;

async function facadeBeforeRefusal() {
  const asked: string[] = [];
  const origin = await startOrigin((request, response) => {
    asked.push(request.method ?? '');
    response.writeHead(413, { connection: 'close' }).end('too large');
  });
  return { asked, port: (await startFacadeBefore(origin.port)).port };
}

test('a client that sends all of its upload before it reads gets the refusal, on a connection that it has close', async () => {
  const { port } = await facadeBeforeRefusal();
  for (let round = 0; round < 5; round++) {
    const client = (await RawClient.connect(port)).send(upload);
    client.socket.pause();
    // Only when the answer is there, and the connection as good as closed, is the rest sent.
    await new Promise<void>((resolve) => client.socket.write(Buffer.alloc(size / 2), () => resolve()));
    await new Promise<void>((resolve) => client.socket.write(Buffer.alloc(size / 2), () => resolve()));
    client.socket.resume();
    expect(await client.answer()).toMatchObject({ status: 413, body: 'too large' });
    expect(await client.closed()).toBe('end');
  }
});

test('what follows on such a connection is no request', async () => {
  const { asked, port } = await facadeBeforeRefusal();
  const client = (await RawClient.connect(port)).send(upload).send(Buffer.alloc(size / 2));
  expect(await client.answer()).toMatchObject({ status: 413 });
  client.send(Buffer.alloc(size / 2)).send(get('/'));
  expect(await client.closed()).toBe('end');
  expect(asked).toEqual(['POST']);
});
