import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bodyOf, mirror, startBytesOrigin, startOrigin, startRawOrigin } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';
import { passedToBackend, passedToClient, startFacadeBefore } from './running-facade.ts';

describe('requests arrive as they were sent', () => {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT'])(
    '%s',
    async (method) => {
      const origin = await startOrigin(mirror);
      const { port } = await startFacadeBefore(origin.port);
      const answer = await ask(
        port,
        `${method} /x HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n`,
      );
      expect(JSON.parse(answer.body)).toMatchObject({ method, url: '/x' });
    },
  );

  test.each([
    '/',
    '//double//slashes/',
    '/trailing/',
    '/a%2Fb/%2f',
    '/matrix;a=1;b=2/x',
    '/%61pi/%7Euser',
    '/caf%C3%A9/%E9',
    '/...hidden/.well-known/a..b',
    "/sub-delims/!$&'()*+,;=:@",
    '/odd|^`{}"<>',
    '/q?',
    '/q?a=1&a=2&b=%20+%2B&c',
    '/q?a=b?c=d/../e//',
    '/q?[x]=\\&lone=%',
  ])('path and query byte for byte: %s', async (target) => {
    const origin = await startOrigin(mirror);
    const { port } = await startFacadeBefore(origin.port);
    expect(JSON.parse((await ask(port, get(target))).body).url).toBe(target);
  });

  test('an absolute target reaches the backend as a path, under the host that it names', async () => {
    const origin = await startOrigin(mirror);
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(
      port,
      'GET http://named.example:81//a?b=c HTTP/1.1\r\nHost: other.example\r\n\r\n',
    );
    expect(JSON.parse(answer.body)).toMatchObject({
      url: '//a?b=c',
      headers: { host: 'named.example:81', 'x-forwarded-host': 'named.example:81' },
    });
  });

  test('headers keep their order, spelling, repetitions and bytes', async () => {
    const origin = await startOrigin(mirror);
    const { port } = await startFacadeBefore(origin.port);
    const sent = ['X-b: 2', 'x-A: caf\xe9 \xff', 'Cookie: a=1', 'X-b: 1', 'Cookie: b=2', 'x-empty:'];
    const { rawHeaders } = JSON.parse((await ask(port, get('/', ...sent))).body);
    const pairs: string[] = [];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      pairs.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`.trim());
    }
    // The origin writes JSON in UTF-8, and this client reads bytes.
    const bytes = (text: string) => Buffer.from(text).toString('latin1');
    expect(pairs.filter((line) => /^(x-(?!forwarded)|cookie)/i.test(line))).toEqual(
      passedToBackend(sent.map(bytes)),
    );
  });

  test('odd bytes of a header survive along with an upload', async () => {
    const origin = await startOrigin(mirror);
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nX-Odd: caf\xe9\r\nContent-Length: 5\r\n\r\nhello',
    );
    expect(JSON.parse(Buffer.from(answer.body, 'latin1').toString()).headers['x-odd']).toBe('caf\xe9');
  });

  test('a GET with a body keeps it', async () => {
    const origin = await startOrigin(async (request, response) => response.end(await bodyOf(request)));
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
    expect(answer.body).toBe('hello');
  });

  test('OPTIONS * asks about the facade itself, which answers without a backend', async () => {
    const origin = await startOrigin(mirror);
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, 'OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n');
    expect(answer.status).toBe(204);
    expect(answer.header('allow')).toContain('GET');
    expect(origin.asked).toEqual([]);
  });
});

describe('answers arrive as they were sent', () => {
  test.each([
    200, 201, 202, 203, 206, 226, 299, 300, 301, 302, 307, 308, 400, 401, 404, 405, 409, 418, 422, 429, 451,
    500, 501, 503, 599,
  ])('status %i', async (status) => {
    const origin = await startBytesOrigin(
      `HTTP/1.1 ${status} Own Words\r\nContent-Length: 2\r\nLocation: http://127.0.0.1/x\r\n\r\nok`,
    );
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, get('/'));
    expect(answer).toMatchObject({ status, reason: 'Own Words', body: 'ok' });
    expect(answer.header('location')).toBe('http://127.0.0.1/x');
  });

  test.each([
    ['', ''],
    ['caf\xe9', 'caf\xe9'],
    ['caf\xc3\xa9', 'caf\xc3\xa9'],
  ])('reason phrase %j', async (reason) => {
    const origin = await startBytesOrigin(`HTTP/1.1 200 ${reason}\r\nContent-Length: 0\r\n\r\n`);
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, get('/'));
    expect(answer.status).toBe(200);
    // undici reads reasons as UTF-8: other bytes are replaced by the standard phrase, never by broken ones.
    expect([reason, 'OK']).toContain(answer.reason);
  });

  test('several Set-Cookie stay apart, in order, and odd bytes survive', async () => {
    const lines = [
      'Set-Cookie: a=1; Path=/',
      'X-Odd: caf\xe9\x80',
      'Set-Cookie: b=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT',
      'set-cookie: c=3',
      'x-Case: 1',
    ];
    const origin = await startBytesOrigin(
      `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`,
    );
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, get('/'));
    const passed = answer.headers.map(([name, value]) => `${name}: ${value}`);
    expect(passed.filter((line) => /^(set-cookie|x-(odd|case))/i.test(line))).toEqual(passedToClient(lines));
  });

  test('odd bytes survive in a head that goes out before its body', async () => {
    const { promise: seen, resolve: goOn } = Promise.withResolvers<void>();
    const origin = await startBytesOrigin(
      'HTTP/1.1 200 OK\r\nX-Odd: caf\xe9\r\nContent-Length: 4\r\n\r\n',
      (socket) => void seen.then(() => socket.write('body')),
    );
    const { port } = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(port)).send(get('/'));
    await client.until('\r\n\r\n');
    goOn();
    expect((await client.answer()).header('x-odd')).toBe('caf\xe9');
  });

  test('HEAD has the length and no body, with and without a length', async () => {
    const origin = await startRawOrigin((socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      const framing = received.includes('/chunked') ? 'Transfer-Encoding: chunked' : 'Content-Length: 1234';
      socket.end(`HTTP/1.1 200 OK\r\n${framing}\r\nX-Here: 1\r\n\r\n`);
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    client.send('HEAD /length HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.answer('HEAD')).header('content-length')).toBe('1234');
    client.send('HEAD /chunked HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.answer('HEAD')).header('x-here')).toBe('1');
    client.send(get('/x'));
    await client.until('HTTP/1.1 200 OK');
    expect(client.received.startsWith('HTTP/1.1 200 OK')).toBe(true);
  });

  test('204 and 304 have no body, and the connection goes on', async () => {
    const origin = await startRawOrigin((socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      const path = /(\/\S*) HTTP\/1.1(?![\s\S]*HTTP)/.exec(received)?.[1];
      if (path === '/204') socket.write('HTTP/1.1 204 No Content\r\nX-Here: 204\r\n\r\n');
      else if (path === '/304')
        socket.write('HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n');
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast');
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    const none = await client.send(get('/204')).answer();
    expect(none.status).toBe(204);
    expect(none.header('transfer-encoding')).toBeUndefined();
    const unchanged = await client.send(get('/304', 'If-None-Match: "x"')).answer();
    expect(unchanged.status).toBe(304);
    expect(unchanged.header('etag')).toBe('"x"');
    expect((await client.send(get('/200')).answer()).body).toBe('last');
  });

  test('a compressed body passes untouched', async () => {
    const zipped = gzipSync('tickets '.repeat(10_000));
    const origin = await startOrigin((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': zipped.length });
      response.end(zipped);
    });
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, get('/', 'Accept-Encoding: gzip'));
    expect(Buffer.from(answer.body, 'latin1').equals(zipped)).toBe(true);
    expect(answer.header('content-encoding')).toBe('gzip');
    expect(origin.asked[0]?.headers['accept-encoding']).toBe('gzip');
  });

  test('ranges pass both ways', async () => {
    const origin = await startOrigin((request, response) => {
      expect(request.headers.range).toBe('bytes=2-4');
      response.writeHead(206, { 'content-range': 'bytes 2-4/10', 'content-length': 3 });
      response.end('cde');
    });
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, get('/', 'Range: bytes=2-4'));
    expect(answer).toMatchObject({ status: 206, body: 'cde' });
    expect(answer.header('content-range')).toBe('bytes 2-4/10');
  });

  test('trailers follow a chunked body', async () => {
    const origin = await startBytesOrigin(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Sum2\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Sum2: \xe9\r\n\r\n',
    );
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, get('/', 'TE: trailers'));
    expect(answer).toMatchObject({ body: 'hello', framing: 'chunked' });
    expect(answer.header('trailer')).toBe('X-Sum, X-Sum2');
    expect(answer.trailers).toEqual([
      ['X-Sum', '1'],
      ['X-Sum2', '\xe9'],
    ]);
  });

  test.each([
    ['HEAD', 'HTTP/1.1', '200 OK', '', 'none'],
    ['GET', 'HTTP/1.0', '200 OK', '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n', 'close'],
    ['GET', 'HTTP/1.1', '304 Not Modified', '', 'none'],
  ])(
    'trailers are dropped where none can follow: %s %s %s',
    async (method, version, status, body, framing) => {
      const head = `HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nX-Here: 1\r\n\r\n`;
      const origin = await startBytesOrigin(head + body);
      const { port } = await startFacadeBefore(origin.port);
      const answer = await ask(port, `${method} / ${version}\r\nHost: a\r\n\r\n`, method);
      expect(answer).toMatchObject({ framing, trailers: [] });
      expect(answer.header('x-here')).toBe('1');
      expect(answer.header('trailer')).toBeUndefined();
    },
  );

  test('an answer without a length that ends with its connection is whole', async () => {
    const origin = await startBytesOrigin('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it', (socket) =>
      socket.end(),
    );
    const { port } = await startFacadeBefore(origin.port);
    expect(await ask(port, get('/'))).toMatchObject({ body: 'all of it', framing: 'chunked' });
  });

  test('103 Early Hints come before the answer, with links as they were written', async () => {
    const { promise: hinted, resolve: goOn } = Promise.withResolvers<void>();
    const origin = await startBytesOrigin(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; as=style, </b.js>; rel=preload\r\nLink: </c>; rel="x y"\r\n\r\n',
      (socket) => void hinted.then(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
    );
    const { port } = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(port)).send(get('/'));
    const hints = await client.answer();
    expect(hints.status).toBe(103);
    expect(hints.headers).toEqual([
      ['Link', '</a.css>; rel=preload; as=style, </b.js>; rel=preload'],
      ['Link', '</c>; rel="x y"'],
    ]);
    goOn();
    expect(await client.answer()).toMatchObject({ status: 200, body: 'ok' });
  });

  test('an HTTP/1.0 client gets no interim answer', async () => {
    const origin = await startBytesOrigin(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    );
    const { port } = await startFacadeBefore(origin.port);
    expect(await ask(port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')).toMatchObject({ status: 200, body: 'ok' });
  });
});

describe('connections', () => {
  test('x-served-by replaces what the backend says of itself', async () => {
    const origin = await startBytesOrigin(
      'HTTP/1.1 200 OK\r\nX-Served-By: liar\r\nContent-Length: 0\r\n\r\n',
    );
    const { port } = await startFacadeBefore(origin.port);
    const answer = await ask(port, get('/'));
    expect(answer.headers.filter(([name]) => name.toLowerCase() === 'x-served-by')).toEqual([
      ['x-served-by', 'origin'],
    ]);
  });

  test('pipelined requests are answered in order', async () => {
    const origin = await startOrigin((request, response) => {
      setTimeout(() => response.end(request.url), request.url === '/1' ? 30 : 0);
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    client.send(get('/1') + get('/2') + get('/3'));
    expect(
      [await client.answer(), await client.answer(), await client.answer()].map(({ body }) => body),
    ).toEqual(['/1', '/2', '/3']);
  });

  test('Upgrade: h2c, which curl --http2 sends, is answered over HTTP/1.1, bodies included', async () => {
    const origin = await startOrigin(async (request, response) => {
      response.end(`${request.headers.upgrade ?? 'no upgrade'} ${await bodyOf(request)}`);
    });
    const { port } = await startFacadeBefore(origin.port);
    const upgrade =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n';
    const client = await RawClient.connect(port);
    client.send(`GET / HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
    expect((await client.answer()).body).toBe('no upgrade ');
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n${upgrade}\r\nhello`);
    expect((await client.answer()).body).toBe('no upgrade hello');
    expect(origin.asked[0]?.headers).not.toHaveProperty('http2-settings');
  });

  test('an HTTP/1.0 client without Host is answered, and its connection closed', async () => {
    const origin = await startOrigin(mirror);
    const { port } = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(port)).send('GET /old HTTP/1.0\r\n\r\n');
    const answer = await client.answer();
    expect(JSON.parse(answer.body).headers).toMatchObject({ host: `127.0.0.1:${origin.port}` });
    expect(await client.closed()).toBe('end');
  });

  test('an HTTP/1.0 client that asks for keep-alive may send again', async () => {
    const origin = await startOrigin((request, response) => {
      response.setHeader('content-length', 2);
      response.end(request.url);
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    const request = (path: string) => `GET ${path} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`;
    expect((await client.send(request('/1')).answer()).body).toBe('/1');
    expect((await client.send(request('/2')).answer()).body).toBe('/2');
  });
});
