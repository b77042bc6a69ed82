import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startBytesOrigin, startOrigin, startRawOrigin } from './origins.ts';
import { ask, get, type RawAnswer, RawClient } from './raw-client.ts';
import { startFacadeBefore } from './running-facade.ts';

const short = { timeouts: '{ connect: 200ms, request: 150ms, idle: 150ms }' };

function problem(answer: RawAnswer, originPort: number): { code: string; status: number } {
  expect(answer.header('content-type')).toBe('application/problem+json');
  expect(answer.body).not.toContain('127.0.0.1');
  expect(answer.body).not.toContain(String(originPort));
  const { code, status, route, backend, traceId } = JSON.parse(answer.body);
  expect({ route, backend, traceId }).toEqual({ route: 'all', backend: 'origin', traceId: undefined });
  expect(status).toBe(answer.status);
  return { code, status };
}

describe('a backend that gives no answer', () => {
  test.each(['GET', 'POST'])('is down: %s gets 502, and the log says why', async (method) => {
    const origin = await startOrigin((_, response) => response.end());
    const facade = await startFacadeBefore(origin.port);
    await origin.close();
    const answer = await ask(facade.port, `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    expect(problem(answer, origin.port)).toEqual({ status: 502, code: 'backend_unreachable' });
    expect((await facade.logged((line) => line.failure === 'unreachable')).reason).toContain('ECONNREFUSED');
    expect(await facade.metrics()).toContain(
      'strangler_upstream_failures_total{backend="origin",kind="unreachable"} 1',
    );
  });

  test('takes the connection and is silent: 504 within the time-out', async () => {
    const origin = await startRawOrigin(() => {});
    const { port } = await startFacadeBefore(origin.port, short);
    const startedAt = performance.now();
    const answer = await ask(port, get('/'));
    expect(problem(answer, origin.port)).toEqual({ status: 504, code: 'backend_answer_timeout' });
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await expect.poll(() => origin.sockets.every((socket) => socket.destroyed)).toBe(true);
  });

  test('sends half a head and stops: 504', async () => {
    const origin = await startBytesOrigin('HTTP/1.1 200 OK\r\nContent-Le');
    const { port } = await startFacadeBefore(origin.port, short);
    expect(problem(await ask(port, get('/')), origin.port)).toEqual({
      status: 504,
      code: 'backend_answer_timeout',
    });
  });

  test.each([
    ['closes', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('%s before the head: 502 for a write, sent once', async (_, end) => {
    let asked = 0;
    const origin = await startRawOrigin((socket, received) => {
      if (!received.endsWith('\r\n\r\nhi')) return;
      asked++;
      end(socket as Socket);
    });
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
    expect(problem(answer, origin.port)).toEqual({ status: 502, code: 'backend_reset' });
    expect(asked).toBe(1);
  });

  test('closes before the head: a write without a body is sent once, too', async () => {
    let asked = 0;
    const origin = await startRawOrigin((socket) => {
      asked++;
      socket.end();
    });
    const { port } = await startFacadeBefore(origin.port);
    expect((await ask(port, 'DELETE / HTTP/1.1\r\nHost: a\r\n\r\n')).status).toBe(502);
    expect(asked).toBe(1);
  });

  test('closes before the head: a read is sent once more, no oftener', async () => {
    let asked = 0;
    const origin = await startRawOrigin((socket) => {
      asked++;
      socket.end();
    });
    const { port } = await startFacadeBefore(origin.port);
    expect(problem(await ask(port, get('/')), origin.port)).toEqual({ status: 502, code: 'backend_reset' });
    expect(asked).toBe(2);
  });
});

describe('an answer that is not HTTP', () => {
  test.each([
    ['noise', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['a bad status', 'HTTP/1.1 2x0 OK\r\n\r\n'],
    ['a header without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nX-A : 1\r\n\r\n'],
    ['a bad length', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nok'],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(5_000)}`],
  ])('%s: 502', async (_, bytes) => {
    const origin = await startBytesOrigin(bytes);
    const { port } = await startFacadeBefore(origin.port, short);
    expect(problem(await ask(port, get('/')), origin.port)).toEqual({
      status: 502,
      code: 'backend_bad_answer',
    });
  });

  test('a length beside chunks never reaches the client as two readings of one body', async () => {
    const origin = await startBytesOrigin(
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    );
    const { port } = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(port)).send(get('/'));
    const outcome = await client.answer().catch(() => undefined);
    if (outcome !== undefined) expect(outcome.status).toBe(502);
  });

  test('an unasked switch of protocols is a failure', async () => {
    const origin = await startBytesOrigin(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    );
    const { port } = await startFacadeBefore(origin.port);
    expect((await ask(port, get('/'))).status).toBe(502);
  });

  test('bytes after an answer are not taken for the answer to the next request', async () => {
    const origin = await startBytesOrigin(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison',
    );
    const { port } = await startFacadeBefore(origin.port);
    for (let round = 0; round < 5; round++) expect((await ask(port, get('/'))).body).toBe('ok');
  });
});

describe('an answer that breaks off is seen to be incomplete', () => {
  const heads = {
    length: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
    chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    'cut chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello',
  };
  const ends = {
    closed: (socket: Socket) => void socket.end(),
    reset: (socket: Socket) => void socket.resetAndDestroy(),
    stalled: () => {},
  };
  const cases = Object.entries(heads).flatMap(([framing, bytes]) =>
    Object.entries(ends).map(([how, end]) => [framing, how, bytes, end] as const),
  );

  test.each(cases)('%s, %s', async (_, how, bytes, end) => {
    const origin = await startBytesOrigin(bytes, (socket) => setTimeout(() => end(socket), 10));
    const facade = await startFacadeBefore(origin.port, short);
    const client = (await RawClient.connect(facade.port)).send(get('/'));
    await client.until('hello');
    await expect(client.answer()).rejects.toThrow('incomplete answer');
    await client.closed();
    const { failure, status } = await facade.logged((line) => line.failure !== undefined);
    expect({ failure, status }).toEqual({
      failure: how === 'stalled' ? 'idle_timeout' : expect.stringMatching(/^(reset|bad_answer)$/),
      status: 200,
    });
  });

  test('an HTTP/1.0 client, which knows the end by the connection’s end, sees a reset', async () => {
    const origin = await startBytesOrigin(heads.chunked, (socket) => setTimeout(() => socket.end(), 10));
    const { port } = await startFacadeBefore(origin.port, short);
    const client = (await RawClient.connect(port)).send('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    expect(await client.closed()).toBe('reset');
  });
});

describe('kept connections', () => {
  /** Answers, and closes the connection a moment later without having said so. */
  function startImpatientOrigin() {
    return startRawOrigin((socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', () => {
        setTimeout(() => socket.destroy(), Math.random() * 2);
      });
    });
  }

  test('500 GETs, one after another, survive a backend that closes idle connections early', async () => {
    const origin = await startImpatientOrigin();
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    for (let sent = 0; sent < 500; sent++) {
      expect((await client.send(get(`/${sent}`)).answer()).status).toBe(200);
    }
  });

  test('500 GETs, 20 at a time, survive it too', async () => {
    const origin = await startImpatientOrigin();
    const { port } = await startFacadeBefore(origin.port);
    const one = async () => {
      const client = await RawClient.connect(port);
      for (let sent = 0; sent < 25; sent++) {
        expect((await client.send(get('/')).answer()).status).toBe(200);
      }
    };
    await Promise.all(Array.from({ length: 20 }, one));
  });

  test('all stale at once: each GET is repeated on a new connection', async () => {
    const origin = await startRawOrigin((socket, received) => {
      const requests = received.split('\r\n\r\n').length - 1;
      if (requests > 1) return void socket.resetAndDestroy();
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const { port } = await startFacadeBefore(origin.port);
    const round = () => Promise.all(Array.from({ length: 10 }, () => ask(port, get('/'))));
    await round();
    expect((await round()).map(({ status }) => status)).toEqual(Array(10).fill(200));
  });

  test('a backend that is restarted is found again', async () => {
    const first = await startRawOrigin((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst');
    });
    const { port } = await startFacadeBefore(first.port);
    expect((await ask(port, get('/'))).body).toBe('first');
    await first.close();
    expect((await ask(port, get('/'))).status).toBe(502);
    await startRawOrigin((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond');
    }, first.port);
    expect((await ask(port, get('/'))).body).toBe('second');
  });
});

describe('a client that goes away', () => {
  test('while it waits: the backend is told', async () => {
    const arrived = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const origin = await startOrigin((_, response) => {
      response.on('close', () => gone.resolve());
      arrived.resolve();
    });
    const facade = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(facade.port)).send(get('/'));
    await arrived.promise;
    client.socket.destroy();
    await gone.promise;
    expect(await facade.logged((line) => line.failure === 'client_gone')).toMatchObject({
      status: 0,
      level: 'info',
    });
  });

  test('within its answer: the backend is told', async () => {
    const gone = Promise.withResolvers<void>();
    const origin = await startOrigin((_, response) => {
      response.write('begun');
      response.on('close', () => gone.resolve());
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(port)).send(get('/'));
    await client.until('begun');
    client.socket.resetAndDestroy();
    await gone.promise;
  });

  test.each(['destroy', 'resetAndDestroy'] as const)(
    'within its upload (%s): the backend sees no end',
    async (how) => {
      const begun = Promise.withResolvers<void>();
      const outcome = Promise.withResolvers<string>();
      const origin = await startOrigin((request) => {
        request.once('data', () => begun.resolve());
        request.on('end', () => outcome.resolve('end'));
        request.on('error', () => outcome.resolve('aborted'));
      });
      const facade = await startFacadeBefore(origin.port);
      const client = await RawClient.connect(facade.port);
      client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      await begun.promise;
      client.socket[how]();
      expect(await outcome.promise).toBe('aborted');
      await facade.logged((line) => line.failure === 'client_gone');
    },
  );

  test('behind another request on the same connection: both backends are told', async () => {
    let open = 0;
    const origin = await startOrigin((_, response) => {
      open++;
      response.on('close', () => open--);
      response.write('x'.repeat(100_000));
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(port)).send(get('/1') + get('/2'));
    await expect.poll(() => open).toBe(2);
    client.socket.destroy();
    await expect.poll(() => open).toBe(0);
  });

  test('its leaving does not disturb the next on the same backend', async () => {
    const origin = await startOrigin((request, response) => {
      if (request.url === '/fast') response.end('fast');
    });
    const { port } = await startFacadeBefore(origin.port);
    for (let round = 0; round < 10; round++) {
      const client = (await RawClient.connect(port)).send(get('/slow'));
      await expect.poll(() => origin.asked.length).toBe(round * 2 + 1);
      client.socket.destroy();
      expect((await ask(port, get('/fast'))).body).toBe('fast');
    }
  });
});

describe('a client that is slow', () => {
  test('within its upload: 408, and the backend is told', async () => {
    const gone = Promise.withResolvers<void>();
    const origin = await startOrigin((request) => request.on('error', () => gone.resolve()));
    const { port } = await startFacadeBefore(origin.port, short);
    const client = await RawClient.connect(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
    const answer = await client.answer();
    expect(problem(answer, origin.port)).toEqual({ status: 408, code: 'request_timeout' });
    await gone.promise;
  });

  test('in taking its answer: it is cut, and the backend is told', async () => {
    const gone = Promise.withResolvers<void>();
    const origin = await startOrigin((_, response) => {
      response.on('close', () => gone.resolve());
      const write = () => {
        while (response.write(Buffer.alloc(65_536)));
        response.once('drain', write);
      };
      write();
    });
    const facade = await startFacadeBefore(origin.port, short);
    const client = await RawClient.connect(facade.port);
    client.socket.pause();
    client.send(get('/'));
    await gone.promise;
    await facade.logged((line) => line.failure === 'client_slow');
  });

  test('a pause of the backend in taking the upload is not the client’s', async () => {
    const origin = await startOrigin((request, response) => {
      setTimeout(() => request.resume(), 400);
      request.on('end', () => response.end('all'));
    });
    const { port } = await startFacadeBefore(origin.port, { timeouts: '{ request: 5s, idle: 150ms }' });
    const size = 8 * 1024 * 1024;
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(
        { port, method: 'PUT', headers: { 'content-length': size } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      request.on('error', reject);
      request.end(Buffer.alloc(size));
    });
    expect(answer).toBe(200);
  });
});
