import { expect, test } from 'vitest';
import { startOrigin, startRawOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startFacadeBefore } from '../../tests/running-facade.ts';

test('a backend that refuses an upload and closes the connection: the client gets the refusal, every time', async () => {
  const origin = await startRawOrigin((socket, received) => {
    if (received.length < 20_000) return;
    // Whatever comes after this is answered with a reset.
    socket.pause();
    socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large', () =>
      setImmediate(() => socket.resetAndDestroy()),
    );
  });
  const { port } = await startFacadeBefore(origin.port);
  const upload = async () => {
    const client = await RawClient.connect(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n');
    let sent = 0;
    const more = () => {
      while (sent < 4_000_000 && !client.socket.destroyed) {
        sent += 50_000;
        if (!client.socket.write(Buffer.alloc(50_000))) return client.socket.once('drain', more);
      }
    };
    more();
    const { status, body } = await client.answer();
    client.socket.destroy();
    return `${status} ${body}`;
  };
  const answers: string[] = [];
  for (let round = 0; round < 30; round++) answers.push(await upload());
  expect(answers.filter((answer) => answer !== '413 too large')).toEqual([]);
});

test('time-outs come when they are due, not up to a second later', async () => {
  const origin = await startOrigin((request, response) => {
    if (request.url === '/pause') response.write('begun');
  });
  const { port } = await startFacadeBefore(origin.port, {
    timeouts: '{ connect: 1s, request: 1200ms, idle: 1200ms }',
  });
  const startedAt = performance.now();
  const silent = ask(port, get('/silent')).then(() => performance.now() - startedAt);
  const client = (await RawClient.connect(port)).send(get('/pause'));
  const paused = client.closed().then(() => performance.now() - startedAt);
  for (const taken of await Promise.all([silent, paused])) {
    expect(taken).toBeGreaterThan(1_190);
    expect(taken).toBeLessThan(1_600);
  }
});
