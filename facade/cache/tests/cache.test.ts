import { describe, expect, test } from 'vitest';
import { startOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';
import { counting, startCached } from './cached-origin.ts';

const minute = { 'cache-control': 'max-age=60' };

describe('an answer that may be used again', () => {
  test('is, with its Age, and Cache-Status says so', async () => {
    const { origin, facade } = await startCached({ ...minute, 'content-type': 'text/plain', 'X-Own': 'a' });
    const first = await ask(facade.port, get('/a?b=1'));
    expect(first).toMatchObject({ status: 200, body: 'answer 1' });
    expect(first.header('cache-status')).toBe('strangler; fwd=uri-miss');
    expect(first.header('age')).toBeUndefined();
    const second = await ask(facade.port, get('/a?b=1'));
    expect(second).toMatchObject({ status: 200, body: 'answer 1', framing: 'length' });
    expect(second.header('cache-status')).toMatch(/^strangler; hit; ttl=(?:60|59)$/);
    expect(second.header('age')).toMatch(/^[01]$/);
    expect(second.headers).toContainEqual(['X-Own', 'a']);
    expect(second.header('content-type')).toBe('text/plain');
    expect(second.header('date')).toBe(first.header('date'));
    expect((await ask(facade.port, get('/a?b=2'))).body).toBe('answer 2');
    expect(origin.asked).toHaveLength(2);
    const metrics = await facade.metrics();
    expect(metrics).toContain('strangler_cache_requests_total{route="reads",result="hit"} 1');
    expect(metrics).toContain('strangler_cache_requests_total{route="reads",result="miss"} 2');
    expect(metrics).toContain('strangler_cache_stored_total{route="reads"} 2');
    expect(metrics).toContain('strangler_cache_answers 2');
    expect(metrics).toContain('strangler_requests_total{route="reads",backend="facade",status="2xx"} 1');
  });

  test('answers HEAD as well, and leaves the connection usable', async () => {
    const { origin, facade } = await startCached(minute);
    const client = await RawClient.connect(facade.port);
    await client.send(get('/a')).answer();
    const head = await client.send(get('/a').replace('GET', 'HEAD')).answer('HEAD');
    expect(head.header('content-length')).toBe('8');
    expect(head.header('cache-status')).toMatch(/hit/);
    expect((await client.send(get('/a')).answer()).body).toBe('answer 1');
    expect(origin.asked).toHaveLength(1);
  });

  test('an answer to HEAD is not kept', async () => {
    const { origin, facade } = await startCached(minute);
    await ask(facade.port, get('/a').replace('GET', 'HEAD'), 'HEAD');
    expect((await ask(facade.port, get('/a'))).body).toBe('answer 2');
    expect(origin.asked).toHaveLength(2);
  });

  test('is 304 to a client that has it', async () => {
    const { origin, facade } = await startCached({
      ...minute,
      etag: 'W/"x"',
      'last-modified': 'Sat, 01 Aug 2026 00:00:00 GMT',
      'content-type': 'text/plain',
    });
    await ask(facade.port, get('/a'));
    for (const line of [
      'If-None-Match: "y", "x"',
      'If-None-Match: *',
      'If-Modified-Since: Sun, 02 Aug 2026 00:00:00 GMT',
    ]) {
      const answer = await ask(facade.port, get('/a', line));
      expect(answer).toMatchObject({ status: 304, body: '' });
      expect(answer.header('etag')).toBe('W/"x"');
      expect(answer.header('content-type')).toBeUndefined();
    }
    for (const lines of [
      ['If-None-Match: "z"'],
      ['If-None-Match: "z"', 'If-Modified-Since: Sun, 02 Aug 2026 00:00:00 GMT'],
    ]) {
      expect((await ask(facade.port, get('/a', ...lines))).status).toBe(200);
    }
    expect(origin.asked).toHaveLength(1);
  });

  test('a large body is sent whole', async () => {
    const { answers, facade } = await startCached({});
    const body = 'x'.repeat(900_000);
    answers((_, response) => void response.writeHead(200, minute).end(body));
    await ask(facade.port, get('/a'));
    const again = await ask(facade.port, get('/a'));
    expect(again.header('cache-status')).toMatch(/hit/);
    expect(again.body === body).toBe(true);
  });

  test('errors that say so are used again, too', async () => {
    const { origin, answers, facade } = await startCached({});
    answers((_, response) => void response.writeHead(404, minute).end('none'));
    await ask(facade.port, get('/a'));
    expect(await ask(facade.port, get('/a'))).toMatchObject({ status: 404, body: 'none' });
    expect(origin.asked).toHaveLength(1);
  });
});

describe('an answer that is not kept', () => {
  test.each<[string, Record<string, string>, ...string[]]>([
    ['no-store', { 'cache-control': 'max-age=60, no-store' }],
    ['private', { 'cache-control': 'private, max-age=60' }],
    ['upper case', { 'cache-control': 'max-age=60, No-Store' }],
    ['upper case of the request', minute, 'Cache-Control: No-Store'],
    ['nothing said', {}],
    ['only Last-Modified: nothing is guessed', { 'last-modified': 'Sat, 01 Aug 2020 00:00:00 GMT' }],
    ['a cookie, although it says public', { 'cache-control': 'public, max-age=60', 'set-cookie': 'sid=1' }],
    ['Vary: *', { ...minute, vary: '*' }],
    ['Vary: * among others', { ...minute, vary: 'accept, *' }],
    ['max-age=0', { 'cache-control': 'max-age=0' }],
    ['s-maxage=0 before max-age', { 'cache-control': 's-maxage=0, max-age=60' }],
    ['past Expires', { expires: '0' }],
    ['credentials', minute, 'Authorization: Bearer x'],
    ['a request that says no-store', minute, 'Cache-Control: no-store'],
  ])('%s', async (_, headers, ...lines) => {
    const { origin, facade } = await startCached(headers);
    await ask(facade.port, get('/a', ...lines));
    expect((await ask(facade.port, get('/a'))).body).toBe('answer 2');
    expect(origin.asked).toHaveLength(2);
    expect(await facade.metrics()).not.toContain('result="hit"');
  });

  test('one that broke off', async () => {
    const { origin, answers, facade } = await startCached({});
    answers((_, response) => {
      response.writeHead(200, { ...minute, 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(ask(facade.port, get('/a'))).rejects.toThrow();
    answers(counting(minute));
    expect((await ask(facade.port, get('/a'))).body).toBe('answer 1');
    expect(origin.asked).toHaveLength(2);
    expect(await facade.metrics()).toMatch(/strangler_cache_bytes (?:1\d{3})\n/);
  });

  test('one that is too long, by its length or without one', async () => {
    const { origin, answers, facade } = await startCached({}, { cache: '{ answer: 10B }' });
    for (const length of [{ 'content-length': '11' }, {}]) {
      answers((_, response) => void response.writeHead(200, { ...minute, ...length }).end('x'.repeat(11)));
      await ask(facade.port, get('/a'));
    }
    expect(origin.asked).toHaveLength(2);
    expect(await facade.metrics()).toContain('strangler_cache_bytes 0');
  });

  test('a part: Range goes to the backend, and comes back as it is', async () => {
    const { origin, answers, facade } = await startCached(minute);
    await ask(facade.port, get('/a'));
    answers(
      (_, response) => void response.writeHead(206, { ...minute, 'content-range': 'bytes 0-1/8' }).end('an'),
    );
    const part = await ask(facade.port, get('/a', 'Range: bytes=0-1'));
    expect(part).toMatchObject({ status: 206, body: 'an' });
    expect(part.header('cache-status')).toBe('strangler; fwd=bypass');
    expect((await ask(facade.port, get('/a'))).body).toBe('answer 1');
    expect(origin.asked).toHaveLength(2);
  });
});

describe('credentials and identities', () => {
  test('an answer that says public may be used for those without, and others with', async () => {
    const { origin, facade } = await startCached({ 'cache-control': 'public, max-age=60' });
    await ask(facade.port, get('/a', 'Authorization: Bearer x'));
    expect((await ask(facade.port, get('/a', 'Authorization: Bearer y'))).body).toBe('answer 1');
    expect((await ask(facade.port, get('/a'))).body).toBe('answer 1');
    expect(origin.asked).toHaveLength(1);
  });

  test('what a backend says to a known caller is kept only where it says public', async () => {
    const origin = await startOrigin(({ url }, response) => {
      const control = url === '/public' ? 'public, max-age=60' : 's-maxage=60';
      response.writeHead(200, { 'cache-control': control }).end('x');
    });
    const facade = await startRunningFacade(
      `version: 1
identity: { secret: "\${SECRET}" }
backends: { origin: { url: "http://127.0.0.1:${origin.port}", identity: true } }
routes: [{ name: all, match: { path: /*, method: GET }, to: origin, cache: {} }]
`,
      { env: { SECRET: 'a secret of the tests, long enough to be one' } },
    );
    for (const path of ['/public', '/public', '/shared', '/shared']) await ask(facade.port, get(path));
    expect(origin.asked.map(({ url }) => url)).toEqual(['/public', '/shared', '/shared']);
  });
});

describe('Vary', () => {
  test('keeps one answer for each value, and takes none for another', async () => {
    const { origin, answers, facade } = await startCached({});
    answers((request, response) => {
      response
        .writeHead(200, { ...minute, vary: 'Accept-Language' })
        .end(request.headers['accept-language'] ?? 'none');
    });
    for (let round = 0; round < 2; round++) {
      for (const language of ['de', 'en']) {
        const answer = await ask(facade.port, get('/a', `Accept-Language: ${language}`));
        expect(answer.body).toBe(language);
        if (round === 0 && language === 'en') expect(answer.header('cache-status')).toMatch(/fwd=vary-miss/);
      }
      expect((await ask(facade.port, get('/a'))).body).toBe('none');
    }
    expect(origin.asked).toHaveLength(3);
  });

  test('a client cannot fill the memory with variants', async () => {
    const { answers, facade } = await startCached({});
    answers((_, response) => void response.writeHead(200, { ...minute, vary: 'x-a' }).end('x'));
    const client = await RawClient.connect(facade.port);
    for (let index = 0; index < 100; index++) await client.send(get('/a', `X-A: ${index}`)).answer();
    expect(await facade.metrics()).toContain('strangler_cache_answers 32');
  });
});

describe('the memory', () => {
  test('is bounded; what was not used for the longest time goes first', async () => {
    const { answers, facade } = await startCached({}, { top: 'cache: { memory: 250KiB }' });
    answers((_, response) => void response.writeHead(200, minute).end('x'.repeat(100_000)));
    await ask(facade.port, get('/a'));
    await ask(facade.port, get('/b'));
    await ask(facade.port, get('/a'));
    await ask(facade.port, get('/c'));
    expect((await ask(facade.port, get('/a'))).header('cache-status')).toMatch(/hit/);
    expect((await ask(facade.port, get('/b'))).header('cache-status')).toMatch(/miss/);
    expect(await facade.metrics()).toContain('strangler_cache_answers 2');
    expect(await facade.metrics()).toContain('strangler_cache_evicted_total 2');
  });
});

describe('what a request wants', () => {
  test('no-cache is answered by the backend, and what it says is kept', async () => {
    const { facade } = await startCached(minute);
    await ask(facade.port, get('/a'));
    const fresh = await ask(facade.port, get('/a', 'Cache-Control: no-cache'));
    expect(fresh.body).toBe('answer 2');
    expect(fresh.header('cache-status')).toBe('strangler; fwd=request');
    expect((await ask(facade.port, get('/a', 'Pragma: no-cache'))).body).toBe('answer 3');
    expect((await ask(facade.port, get('/a'))).body).toBe('answer 3');
  });

  test('only-if-cached asks no backend', async () => {
    const { origin, facade } = await startCached(minute);
    const none = await ask(facade.port, get('/a', 'Cache-Control: only-if-cached'));
    expect(none.status).toBe(504);
    expect(JSON.parse(none.body)).toMatchObject({ code: 'not_cached', route: 'reads' });
    expect(origin.asked).toEqual([]);
    await ask(facade.port, get('/a'));
    expect((await ask(facade.port, get('/a', 'Cache-Control: only-if-cached'))).body).toBe('answer 1');
  });
});

describe('a write', () => {
  const put = (path: string) => `PUT ${path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2\r\n\r\nhi`;

  test('of the same target drops what is kept, on whatever route it comes', async () => {
    const { facade } = await startCached(minute);
    await ask(facade.port, get('/a?x=1'));
    await ask(facade.port, get('/b'));
    await ask(facade.port, put('/%61?x=1'));
    expect((await ask(facade.port, get('/a?x=1'))).body).toBe('answer 4');
    expect((await ask(facade.port, get('/b'))).body).toBe('answer 2');
    expect(await facade.metrics()).toContain('strangler_cache_invalidated_total{route="writes"} 1');
  });

  test('that is refused drops nothing', async () => {
    const { answers, facade } = await startCached(minute);
    await ask(facade.port, get('/a'));
    answers((request, response) => void request.resume().on('end', () => response.writeHead(409).end()));
    await ask(facade.port, put('/a'));
    expect((await ask(facade.port, get('/a'))).header('cache-status')).toMatch(/hit/);
  });

  test('drops what its answer names as the place, of the same host only', async () => {
    const { answers, facade } = await startCached(minute);
    await ask(facade.port, get('/items/1'));
    await ask(facade.port, get('/other'));
    answers((request, response) => {
      request.resume();
      response
        .writeHead(201, { location: '/items/1', 'content-location': 'http://else.example/other' })
        .end();
    });
    await ask(facade.port, put('/items'));
    answers(counting(minute));
    expect((await ask(facade.port, get('/items/1'))).header('cache-status')).toMatch(/miss/);
    expect((await ask(facade.port, get('/other'))).header('cache-status')).toMatch(/hit/);
  });

  test('keeps an answer that was on its way from being kept', async () => {
    const { answers, facade } = await startCached(minute);
    const held = Promise.withResolvers<() => void>();
    answers((request, response) => {
      request.resume();
      if (request.method === 'PUT') response.end('done');
      else held.resolve(() => void response.writeHead(200, minute).end('old'));
    });
    const reading = ask(facade.port, get('/a'));
    const release = await held.promise;
    await ask(facade.port, put('/a'));
    release();
    expect((await reading).body).toBe('old');
    answers(counting(minute));
    expect((await ask(facade.port, get('/a'))).body).toBe('answer 1');
  });
});

describe('without cache-control', () => {
  test('fresh: … lets an answer be used again, but not one to a cookie', async () => {
    const { origin, facade } = await startCached({}, { cache: '{ fresh: 1m }' });
    await ask(facade.port, get('/a', 'Cookie: sid=1'));
    expect((await ask(facade.port, get('/a'))).body).toBe('answer 2');
    const again = await ask(facade.port, get('/a'));
    expect(again.body).toBe('answer 2');
    expect(again.header('cache-control')).toBeUndefined();
    expect(origin.asked).toHaveLength(2);
  });
});
