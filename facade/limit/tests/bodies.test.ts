import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { bodyOf, startOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';

const post = (path: string, length: number, ...headers: string[]) =>
  [`POST ${path} HTTP/1.1`, 'Host: a', `Content-Length: ${length}`, ...headers, '', ''].join('\r\n');

const chunked = (path: string, ...headers: string[]) =>
  [`POST ${path} HTTP/1.1`, 'Host: a', 'Transfer-Encoding: chunked', ...headers, '', ''].join('\r\n');

const chunk = (length: number) => `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n`;

/** An origin that says how much it got, and remembers requests that broke off. */
async function startWith(limits: string, more = '') {
  const broken = Promise.withResolvers<IncomingMessage>();
  let begun = Promise.withResolvers<void>();
  const origin = await startOrigin((request, response) => {
    begun.resolve();
    request.once('error', () => broken.resolve(request));
    if (request.url === '/early') response.write('early');
    bodyOf(request).then(
      (body) => response.end(`got ${body.length}`),
      () => {},
    );
  });
  const facade = await startRunningFacade(`version: 1
${limits}
backends:
  origin: { url: "http://127.0.0.1:${origin.port}", retries: { idempotent: true } }
  other: { url: "http://127.0.0.1:${origin.port}" }
routes:
  - { name: upload, match: { path: /upload }, to: origin, limits: { body: 2MB } }
  - { name: none, match: { path: /none }, to: origin, limits: { body: 0B } }
  - { name: fallback, match: { path: /fallback }, to: origin, fallback: other, idempotencyKey: honoured }
  - { name: rest, match: { path: /* }, to: origin ${more} }
`);
  const next = () => {
    begun = Promise.withResolvers();
    return begun.promise;
  };
  return { origin, facade, broken: broken.promise, begun: () => begun.promise, next };
}

describe('a body whose length is announced', () => {
  test('is refused before anything is sent to the backend', async () => {
    const { facade, origin } = await startWith('limits: { body: 1kB }');
    const client = await RawClient.connect(facade.port);
    expect((await client.send(post('/', 1000) + 'x'.repeat(1000)).answer()).body).toBe('got 1000');
    const refused = await client.send(post('/', 1001)).answer();
    expect(refused.status).toBe(413);
    expect(refused.header('content-type')).toBe('application/problem+json');
    expect(JSON.parse(refused.body)).toMatchObject({
      code: 'body_too_large',
      route: 'rest',
      detail: 'The request body has more than 1000 bytes.',
    });
    // The connection goes on where the body ends.
    client.send('x'.repeat(1001));
    expect((await client.send(get('/next')).answer()).body).toBe('got 0');
    expect(origin.asked.map(({ method }) => method)).toEqual(['POST', 'GET']);
    expect(await facade.metrics()).toContain('strangler_bodies_refused_total{route="rest"} 1');
  });

  test('is not even sent by a client that waits for 100-continue', async () => {
    const { facade } = await startWith('limits: { body: 1KiB }');
    const client = await RawClient.connect(facade.port);
    const refused = await client.send(post('/', 1025, 'Expect: 100-continue')).answer();
    expect([refused.status, refused.header('connection')]).toEqual([413, 'close']);
  });

  test('may be as long as the route says, whatever the file says', async () => {
    const { facade } = await startWith('limits: { body: 1MB }');
    const longer = 'x'.repeat(1_500_000);
    expect((await ask(facade.port, post('/upload', longer.length) + longer)).body).toBe('got 1500000');
    expect((await ask(facade.port, post('/', longer.length) + longer)).status).toBe(413);
    expect((await ask(facade.port, post('/none', 1))).status).toBe(413);
    expect((await ask(facade.port, post('/none', 0))).body).toBe('got 0');
  });

  test('has no bound where nobody says so', async () => {
    const { facade } = await startWith('');
    const long = 'x'.repeat(5_000_000);
    expect((await ask(facade.port, post('/', long.length) + long)).body).toBe('got 5000000');
  });
});

describe('a body that grows', () => {
  test('goes through up to its bound', async () => {
    const { facade } = await startWith('limits: { body: 100B }');
    const whole = `${chunked('/')}${chunk(60)}${chunk(40)}0\r\n\r\n`;
    expect((await ask(facade.port, whole)).body).toBe('got 100');
  });

  test('beyond it is answered 413, and the request to the backend is broken off', async () => {
    const { facade, origin, broken, begun } = await startWith('limits: { body: 100B }');
    const client = await RawClient.connect(facade.port);
    client.send(chunked('/') + chunk(60));
    await begun();
    const refused = await client.send(chunk(41)).answer();
    expect(refused.status).toBe(413);
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'body_too_large', route: 'rest' });
    expect((await broken).complete).toBe(false);
    // What follows of it is dropped, and the connection goes on.
    client.send(`${chunk(500)}0\r\n\r\n`);
    expect((await client.send(get('/next')).answer()).body).toBe('got 0');
    expect(origin.asked).toHaveLength(2);
    expect(await facade.metrics()).toContain('strangler_bodies_refused_total{route="rest"} 1');
    await facade.logged(({ status, backend }) => status === 413 && backend === 'facade');
  });

  test('that arrives whole and at once is refused alike', async () => {
    const { facade } = await startWith('limits: { body: 100B }');
    expect((await ask(facade.port, `${chunked('/')}${chunk(60)}${chunk(41)}0\r\n\r\n`)).status).toBe(413);
  });

  test('goes to nobody else, however repeatable it is', async () => {
    const { facade, origin } = await startWith('limits: { body: 100B }');
    const put = chunked('/fallback', 'Idempotency-Key: a').replace('POST', 'PUT');
    expect((await ask(facade.port, `${put}${chunk(101)}0\r\n\r\n`)).status).toBe(413);
    expect(origin.asked.length).toBeLessThanOrEqual(1);
    expect(await facade.metrics()).not.toMatch(/^strangler_(retries|fallbacks)_total\{.*[1-9]$/m);
  });

  test('does the backend no harm: its breaker stays closed', async () => {
    const { facade } = await startWith('limits: { body: 100B }');
    for (let index = 0; index < 8; index++) {
      await ask(facade.port, `${chunked('/')}${chunk(101)}0\r\n\r\n`);
    }
    expect(await facade.metrics()).toContain('strangler_breaker_state{backend="origin"} 0');
  });

  test('after the answer has begun cuts the connection, so that nobody takes it for whole', async () => {
    const { facade, broken } = await startWith('limits: { body: 100B }');
    const client = await RawClient.connect(facade.port);
    client.send(chunked('/early') + chunk(60));
    await client.until('early');
    client.send(chunk(60));
    await client.closed();
    await broken;
    expect(client.received).not.toContain('0\r\n\r\n');
  });
});
