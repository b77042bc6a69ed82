import { describe, expect, test } from 'vitest';
import { bodyOf, startOrigin } from './origins.ts';
import { get, RawClient } from './raw-client.ts';
import { startFacadeBefore } from './running-facade.ts';

/** Sends bytes on one connection, and tells the first answer, whether the connection then closed, and who was asked. */
async function outcome(bytes: string) {
  const origin = await startOrigin((request, response) => {
    bodyOf(request).then(
      (body) => response.end(body),
      () => response.destroy(),
    );
  });
  const facade = await startFacadeBefore(origin.port);
  const client = (await RawClient.connect(facade.port)).send(bytes);
  const answer = await client.answer();
  const { code } =
    answer.header('content-type') === 'application/problem+json' ? JSON.parse(answer.body) : {};
  return {
    status: answer.status,
    code,
    answer,
    client,
    facade,
    origin,
    asked: origin.asked.map(({ url }) => url),
  };
}

/** A request that must not be read out of another one's remains. */
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

describe('refused, and the connection closed', () => {
  const head = 'Host: shop.example\r\n';
  test.each([
    // Request lines.
    ['noise', 'noise\r\n\r\n', 400, 'malformed_request'],
    ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00', 400, 'malformed_request'],
    ['HTTP/2 without being asked', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed_request'],
    ['HTTP/0.9', `GET /\r\n${head}\r\n`, 505, 'http_version_not_supported'],
    ['HTTP/3.0', `GET / HTTP/3.0\r\n${head}\r\n`, 400, 'malformed_request'],
    ['an unknown method', `STEAL / HTTP/1.1\r\n${head}\r\n`, 400, 'malformed_request'],
    ['a lower-case method', `get / HTTP/1.1\r\n${head}\r\n`, 400, 'malformed_request'],
    ['a space in the target', `GET /a b HTTP/1.1\r\n${head}\r\n`, 400, 'malformed_request'],
    ['a raw byte in the target', `GET /caf\xe9 HTTP/1.1\r\n${head}\r\n`, 400, undefined],
    ['a bare line feed', `GET / HTTP/1.1\nHost: a\n\n`, 400, 'malformed_request'],
    ['CONNECT', `CONNECT shop.example:443 HTTP/1.1\r\n${head}\r\n`, 405, 'method_not_supported'],
    ['TRACE', `TRACE / HTTP/1.1\r\n${head}\r\n`, 405, 'method_not_supported'],
    ['a long target', `GET /${'a'.repeat(9_000)} HTTP/1.1\r\n${head}\r\n`, 414, 'target_too_long'],
    ['a very long target', `GET /${'a'.repeat(60_000)} HTTP/1.1\r\n${head}\r\n`, 414, 'target_too_long'],
    // Targets.
    ['dot elements', `GET /a/../b HTTP/1.1\r\n${head}\r\n`, 400, 'path_dot_element'],
    ['escaped dot elements', `GET /a/%2e%2E/b HTTP/1.1\r\n${head}\r\n`, 400, 'path_dot_element'],
    ['NUL', `GET /a%00b HTTP/1.1\r\n${head}\r\n`, 400, 'path_nul'],
    ['a backslash', `GET /a\\b HTTP/1.1\r\n${head}\r\n`, 400, 'path_backslash'],
    ['a fragment', `GET /a#b HTTP/1.1\r\n${head}\r\n`, 400, 'target_illegal_character'],
    ['a malformed escape', `GET /%zz HTTP/1.1\r\n${head}\r\n`, 400, 'path_malformed_escape'],
    ['no path', `GET * HTTP/1.1\r\n${head}\r\n`, 400, 'target_form_not_supported'],
    [
      'credentials in the target',
      `GET http://a:b@c/ HTTP/1.1\r\n${head}\r\n`,
      400,
      'target_form_not_supported',
    ],
    // Host.
    ['no Host', 'GET / HTTP/1.1\r\nX: 1\r\n\r\n', 400, 'missing_host'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400, 'duplicate_host'],
    ['the same Host twice', 'GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n', 400, 'duplicate_host'],
    ['Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400, 'invalid_host'],
    ['Host with credentials', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 400, 'invalid_host'],
    ['Host with a space', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'invalid_host'],
    ['Host with a list', 'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n', 400, 'invalid_host'],
    ['Host with two ports', 'GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n', 400, 'invalid_host'],
    // Headers.
    ['a header without a colon', `GET / HTTP/1.1\r\n${head}nonsense\r\n\r\n`, 400, 'malformed_request'],
    ['a space before the colon', `GET / HTTP/1.1\r\n${head}X-A : 1\r\n\r\n`, 400, 'malformed_request'],
    ['a space before the name', `GET / HTTP/1.1\r\n X-A: 1\r\n${head}\r\n`, 400, 'malformed_request'],
    ['a NUL in a value', `GET / HTTP/1.1\r\n${head}X-A: a\0b\r\n\r\n`, 400, 'malformed_request'],
    ['a lone CR in a value', `GET / HTTP/1.1\r\n${head}X-A: a\rb\r\n\r\n`, 400, 'malformed_request'],
    ['a name that is none', `GET / HTTP/1.1\r\n${head}X(A): 1\r\n\r\n`, 400, 'malformed_request'],
    [
      'large headers',
      `GET / HTTP/1.1\r\n${head}X-A: ${'a'.repeat(40_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['201 headers', `GET / HTTP/1.1\r\n${head}${'X-A: 1\r\n'.repeat(200)}\r\n`, 431, 'too_many_headers'],
    ['3,000 headers', `GET / HTTP/1.1\r\n${'X:1\r\n'.repeat(3_000)}${head}\r\n`, 431, 'headers_too_large'],
  ])('%s', async (_, bytes, status, code) => {
    const got = await outcome(bytes);
    expect({ status: got.status, code: got.code }).toEqual({ status, code: code ?? expect.any(String) });
    expect(got.answer.header('connection')).toBe('close');
    expect(await got.client.closed()).toBe('end');
    expect(got.asked).toEqual([]);
  });
});

describe('smuggling: what two servers could read differently reaches no backend, nor does what follows it', () => {
  const post = 'POST /first HTTP/1.1\r\nHost: a\r\n';
  test.each([
    // CL.TE: the front reads the length, the back the chunks, and takes the rest for a request.
    [
      'a length and chunks',
      `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'chunks and a length',
      `${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['two lengths', `${post}Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`],
    ['one length twice', `${post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n${smuggled}`],
    ['a list of lengths', `${post}Content-Length: 0, 0\r\n\r\n${smuggled}`],
    ['a signed length', `${post}Content-Length: +0\r\n\r\n${smuggled}`],
    ['a hexadecimal length', `${post}Content-Length: 0x0\r\n\r\n${smuggled}`],
    ['a length that overflows', `${post}Content-Length: 18446744073709551616\r\n\r\n${smuggled}`],
    // TE.TE: one of the two does not recognise the coding.
    ['chunked and another', `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`],
    ['another and chunked', `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    [
      'chunked twice',
      `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['an unknown coding', `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['identity', `${post}Transfer-Encoding: identity\r\n\r\n${smuggled}`],
    ['a space before the colon', `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['a vertical tab', `${post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['quotes', `${post}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${smuggled}`],
    [
      'chunks in HTTP/1.0',
      `POST /first HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    // Chunks.
    ['a chunk size that is none', `${post}Transfer-Encoding: chunked\r\n\r\nxyz\r\n${smuggled}`],
    ['a negative chunk size', `${post}Transfer-Encoding: chunked\r\n\r\n-1\r\n${smuggled}`],
    ['a chunk size with 0x', `${post}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n${smuggled}`],
    [
      'a chunk size that overflows',
      `${post}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n${smuggled}`,
    ],
    [
      'a chunk without its end',
      `${post}Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n${smuggled}`,
    ],
    ['a chunk size that ends with LF', `${post}Transfer-Encoding: chunked\r\n\r\n0\n\r\n${smuggled}`],
    ['a lone CR in a chunk extension', `${post}Transfer-Encoding: chunked\r\n\r\n0;a\rb\r\n\r\n${smuggled}`],
    // A header folded over two lines, or hidden in another by a bare CR or LF.
    ['a folded length', `${post}X: 1\r\n Content-Length: 5\r\n\r\n${smuggled}`],
    ['a header behind a bare LF', `${post}X: 1\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
  ])('%s', async (_, bytes) => {
    const got = await outcome(bytes);
    expect([400, 501]).toContain(got.status);
    expect(got.code).toEqual(expect.any(String));
    expect(await got.client.closed()).toBe('end');
    expect(got.asked).not.toContain('/smuggled');
  });

  test('a body that looks like a request stays a body', async () => {
    const got = await outcome(
      `${post}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}${get('/second')}`,
    );
    expect(got.answer.body).toBe(smuggled);
    await got.client.answer();
    expect(got.origin.asked.map(({ url }) => url)).toEqual(['/first', '/second']);
  });

  test('a GET with a body, too', async () => {
    const got = await outcome(
      `GET /first HTTP/1.1\r\nHost: a\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    );
    expect(got.answer.body).toBe(smuggled);
    expect(got.asked).toEqual(['/first']);
  });

  test('a body behind an upgrade that is not taken, too', async () => {
    const got = await outcome(
      `GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    );
    expect(got.answer.body).toBe(smuggled);
    expect(got.asked).toEqual(['/first']);
  });

  test('a refused body is read to its end, and not as the next request', async () => {
    const body = `POST /../first HTTP/1.1\r\nHost: a\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`;
    const got = await outcome(body + get('/second'));
    expect(got).toMatchObject({ status: 400, code: 'path_dot_element' });
    await got.client.closed();
    expect(got.origin.asked.map(({ url }) => url)).not.toContain('/smuggled');
  });
});

describe('answers keep their order', () => {
  test('a whole request before noise gets its own answer first', async () => {
    const origin = await startOrigin((_, response) => setTimeout(() => response.end('first'), 50));
    const { port } = await startFacadeBefore(origin.port);
    const client = (await RawClient.connect(port)).send(`${get('/1')}noise\r\n\r\n`);
    expect(await client.answer()).toMatchObject({ status: 200, body: 'first' });
    expect((await client.answer()).status).toBe(400);
    expect(await client.closed()).toBe('end');
  });

  test('noise within a chunked upload whose answer has begun cuts the connection', async () => {
    const origin = await startOrigin((request, response) => {
      request.on('error', () => {});
      request.once('data', () => response.write('begun'));
    });
    const { port } = await startFacadeBefore(origin.port);
    const client = await RawClient.connect(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
    await client.until('begun');
    client.send('noise\r\n');
    await client.closed();
    expect(client.received).not.toContain('HTTP/1.1 400');
    expect(client.received).not.toContain('\r\n0\r\n\r\n');
  });
});

test('after all that the facade still answers', async () => {
  const got = await outcome(get('/well'));
  expect(got.status).toBe(200);
  expect(await got.facade.metrics()).toContain('strangler_requests_total');
});
