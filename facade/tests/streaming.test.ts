import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bodyOf, startOrigin, startRawOrigin } from './origins.ts';
import { get, RawClient } from './raw-client.ts';
import { startFacadeBefore } from './running-facade.ts';

const megabyte = 1024 * 1024;

describe('the answer', () => {
  test('its head goes out before its first body byte', async () => {
    const { promise, resolve: finish } = Promise.withResolvers<void>();
    const origin = await startOrigin((_, response) => {
      response.flushHeaders();
      void promise.then(() => response.end('body'));
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(port)).send(get('/'));
    await client.until('\r\n\r\n');
    finish();
    expect((await client.answer()).body).toBe('body');
  });

  test('each event of a stream goes out as it comes', async () => {
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    const origin = await startOrigin((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      void promise.then(() => response.end('data: 2\n\n'));
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(port)).send(get('/'));
    await client.until('data: 1\n\n');
    goOn();
    expect((await client.answer()).body).toBe('data: 1\n\ndata: 2\n\n');
  });

  test('a slow reader holds back the backend, not 64 MB of memory, and gets every byte', async () => {
    const size = 64 * megabyte;
    const block = Buffer.alloc(megabyte, 'ticket');
    let written = 0;
    const origin = await startOrigin((_, response) => {
      response.writeHead(200, { 'content-length': size });
      const write = () => {
        while (written < size) {
          written += block.length;
          if (!response.write(block)) return void response.once('drain', write);
        }
        response.end();
      };
      write();
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    const { socket } = client;
    socket.removeAllListeners('data');
    socket.pause();
    client.send(get('/'));
    const stopped = await steady(() => written);
    expect(stopped).toBeLessThan(size / 2);
    let received = 0;
    const hash = createHash('sha256');
    socket.on('data', (data: Buffer) => {
      received += data.length;
      hash.update(data);
    });
    socket.resume();
    await expect.poll(() => received, { timeout: 15_000 }).toBeGreaterThan(size);
    expect(written).toBe(size);
  });
});

describe('the upload', () => {
  test.each([
    ['chunked', 'Transfer-Encoding: chunked', '5\r\nfirst\r\n', '6\r\nsecond\r\n0\r\n\r\n'],
    ['with a length', 'Content-Length: 11', 'first', 'second'],
  ])('%s: the backend reads and answers while the client still sends', async (_, framing, first, second) => {
    const origin = await startOrigin((request, response) => {
      request.on('data', (data) => response.write(`got ${data} `));
      request.on('end', () => response.end('all'));
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${first}`);
    await client.until('got first');
    client.send(second);
    expect((await client.answer()).body).toBe('got first got second all');
    expect(Object.keys(origin.asked[0]?.headers ?? {})).toContain(framing.split(':')[0]?.toLowerCase());
  });

  test('8 MB arrive whole, and the connection goes on', async () => {
    const origin = await startOrigin(async (request, response) => {
      response.end(
        createHash('sha256')
          .update(await bodyOf(request))
          .digest('hex'),
      );
    });
    const { port } = await startFacadeBefore(origin.port);
    const body = Buffer.alloc(8 * megabyte, 'upload');
    const client = await RawClient.connect(port);
    for (const framing of ['length', 'chunked'] as const) {
      client.send(
        `PUT / HTTP/1.1\r\nHost: a\r\n${framing === 'length' ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked'}\r\n\r\n`,
      );
      if (framing === 'chunked') client.send(`${body.length.toString(16)}\r\n`);
      client.send(body);
      if (framing === 'chunked') client.send('\r\n0\r\n\r\n');
      expect((await client.answer()).body).toBe(createHash('sha256').update(body).digest('hex'));
    }
  });

  test('a backend that reads slowly holds back the client', async () => {
    const origin = await startRawOrigin((socket) => socket.pause());
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    client.send(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 * megabyte}\r\n\r\n`);
    client.send(Buffer.alloc(64 * megabyte));
    const { socket } = client;
    const left = await steady(() => socket.writableLength);
    expect(left).toBeGreaterThan(0);
  });

  test('Expect: 100-continue is met when the body is wanted', async () => {
    const origin = await startOrigin(async (request, response) => {
      response.end(await bodyOf(request));
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
    expect((await client.answer()).status).toBe(100);
    client.send('hello');
    expect((await client.answer()).body).toBe('hello');
  });

  test('an early answer arrives while the client still sends, and the connection goes on', async () => {
    const origin = await startOrigin((request, response) => {
      if (request.method === 'POST') response.writeHead(413).end('too large');
      else response.end('next');
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    const size = 4 * megabyte;
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`).send(Buffer.alloc(size / 2));
    expect(await client.answer()).toMatchObject({ status: 413, body: 'too large' });
    client.send(Buffer.alloc(size / 2)).send(get('/'));
    expect((await client.answer()).body).toBe('next');
  });

  test('a large upload to nowhere is refused without losing the answer', async () => {
    const origin = await startOrigin((_, response) => response.end());
    const facade = await startFacadeBefore(origin.port);
    await origin.close();
    const client = await RawClient.connect(facade.port);
    const size = 4 * megabyte;
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`).send(Buffer.alloc(size));
    expect((await client.answer()).status).toBe(502);
    expect((await client.send(get('/')).answer()).status).toBe(502);
  });
});

/** The value at which something that grows comes to rest: the same in five looks, 50 ms apart. */
async function steady(value: () => number): Promise<number> {
  let before = -1;
  for (let same = 0; same < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    same = value() === before ? same + 1 : 0;
    before = value();
  }
  return before;
}
