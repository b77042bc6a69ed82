import { describe, expect, test } from 'vitest';
import { ask, get } from '../../tests/raw-client.ts';
import { type Answering, counting, startCached } from './cached-origin.ts';

/** Old when it is received: an Age from a cache before takes the place of waiting. */
const old = (control: string, more: Record<string, string> = {}) => ({
  age: '100',
  'cache-control': control,
  ...more,
});

describe('validation', () => {
  test('a 304 renews what is kept: its headers are merged, and the body is used again', async () => {
    const { origin, answers, facade } = await startCached(
      old('max-age=60', { etag: '"v1"', 'x-count': '1', 'content-type': 'text/plain' }),
    );
    await ask(facade.port, get('/a'));
    answers(
      (_, response) =>
        void response.writeHead(304, { etag: '"v1"', 'cache-control': 'max-age=60', 'x-count': '2' }).end(),
    );
    const validated = await ask(facade.port, get('/a', 'X-Other: 1'));
    expect(validated).toMatchObject({ status: 200, body: 'answer 1' });
    expect(validated.header('x-count')).toBe('2');
    expect(validated.header('content-type')).toBe('text/plain');
    expect(validated.header('cache-status')).toBe('strangler; fwd=stale; fwd-status=304');
    expect(origin.asked[1]?.headers['if-none-match']).toBe('"v1"');
    const hit = await ask(facade.port, get('/a'));
    expect(hit.header('cache-status')).toMatch(/hit/);
    expect(hit.header('x-count')).toBe('2');
    expect(origin.asked).toHaveLength(2);
    expect(await facade.metrics()).toContain(
      'strangler_cache_requests_total{route="reads",result="validated"} 1',
    );
  });

  test('by Last-Modified; the conditions of the client are answered from what is kept', async () => {
    const modified = 'Sat, 01 Aug 2026 00:00:00 GMT';
    const { origin, answers, facade } = await startCached(old('no-cache', { 'last-modified': modified }));
    await ask(facade.port, get('/a'));
    answers((_, response) => void response.writeHead(304, { 'last-modified': modified }).end());
    const known = await ask(facade.port, get('/a', 'If-Modified-Since: Sun, 02 Aug 2026 00:00:00 GMT'));
    expect(known.status).toBe(304);
    expect(origin.asked[1]?.headers['if-modified-since']).toBe(modified);
    expect(await ask(facade.port, get('/a', 'If-None-Match: "unknown"'))).toMatchObject({
      status: 200,
      body: 'answer 1',
    });
    expect(origin.asked[2]?.headers['if-none-match']).toBeUndefined();
  });

  test('a 304 about something else is none: the whole is asked for', async () => {
    const { origin, answers, facade } = await startCached(old('max-age=60', { etag: '"v1"' }));
    await ask(facade.port, get('/a'));
    answers(({ headers }, response) => {
      const kept = { 'cache-control': 'max-age=60', etag: '"v2"' };
      if (headers['if-none-match'] !== undefined) response.writeHead(304, kept).end();
      else response.writeHead(200, kept).end('new');
    });
    expect(await ask(facade.port, get('/a'))).toMatchObject({ status: 200, body: 'new' });
    expect((await ask(facade.port, get('/a'))).body).toBe('new');
    expect(origin.asked).toHaveLength(3);
  });

  test('another answer takes its place', async () => {
    const { answers, facade } = await startCached(old('max-age=60', { etag: '"v1"' }));
    await ask(facade.port, get('/a'));
    answers(
      (_, response) =>
        void response.writeHead(200, { 'cache-control': 'max-age=60', etag: '"v2"' }).end('new'),
    );
    const changed = await ask(facade.port, get('/a'));
    expect(changed.body).toBe('new');
    expect(changed.header('cache-status')).toBe('strangler; fwd=stale');
    expect((await ask(facade.port, get('/a'))).body).toBe('new');
    expect(await facade.metrics()).toContain('strangler_cache_answers 1');
  });

  test('what may not be kept any more is forgotten', async () => {
    const { origin, answers, facade } = await startCached(old('max-age=60', { etag: '"v1"' }));
    await ask(facade.port, get('/a'));
    answers((_, response) => void response.writeHead(200, { 'cache-control': 'private' }).end('mine'));
    expect((await ask(facade.port, get('/a'))).body).toBe('mine');
    await ask(facade.port, get('/a'));
    expect(origin.asked[2]?.headers['if-none-match']).toBeUndefined();
    expect(await facade.metrics()).toContain('strangler_cache_answers 0');
  });

  test("a client's own 304 on a miss is its own", async () => {
    const { answers, facade } = await startCached({});
    answers(
      (_, response) => void response.writeHead(304, { etag: '"a"', 'cache-control': 'max-age=60' }).end(),
    );
    expect((await ask(facade.port, get('/a', 'If-None-Match: "a"'))).status).toBe(304);
    answers(counting({}));
    expect(await ask(facade.port, get('/a'))).toMatchObject({ status: 200, body: 'answer 1' });
  });
});

describe('must-revalidate', () => {
  test('an answer is used while it is fresh, and never after', async () => {
    const { origin, answers, facade } = await startCached({
      'cache-control': 'max-age=60, must-revalidate',
      etag: '"a"',
    });
    await ask(facade.port, get('/fresh'));
    expect((await ask(facade.port, get('/fresh'))).header('cache-status')).toMatch(/hit/);
    answers(
      counting(
        old('max-age=60, must-revalidate, stale-if-error=9999, stale-while-revalidate=9999', { etag: '"a"' }),
      ),
    );
    await ask(facade.port, get('/old'));
    answers((_, response) => void response.writeHead(503).end('down'));
    expect((await ask(facade.port, get('/old', 'Cache-Control: max-stale'))).status).toBe(503);
    expect(origin.asked).toHaveLength(3);
  });

  test('s-maxage is the same to a client that would put up with something older', async () => {
    const { answers, facade } = await startCached(old('s-maxage=60', { etag: '"a"' }));
    await ask(facade.port, get('/a'));
    answers((_, response) => void response.writeHead(503).end('down'));
    expect((await ask(facade.port, get('/a', 'Cache-Control: max-stale'))).status).toBe(503);
  });

  test('without either such a client is given it', async () => {
    const { origin, facade } = await startCached(old('max-age=60', { etag: '"a"' }));
    await ask(facade.port, get('/a'));
    expect((await ask(facade.port, get('/a', 'Cache-Control: max-stale'))).body).toBe('answer 1');
    expect(origin.asked).toHaveLength(1);
  });
});

describe('stale-if-error', () => {
  const headers = old('max-age=60, stale-if-error=9999', { etag: '"a"' });
  const failing: [string, Answering][] = [
    ['an error of the backend', (_, response) => void response.writeHead(503).end('down')],
    ['a connection that breaks', (_, response) => void response.destroy()],
  ];

  test.each(failing)('%s: what is kept is the answer', async (_, fails) => {
    const { answers, facade } = await startCached(headers);
    await ask(facade.port, get('/a'));
    answers(fails);
    const answer = await ask(facade.port, get('/a'));
    expect(answer).toMatchObject({ status: 200, body: 'answer 1' });
    expect(answer.header('cache-status')).toMatch(/^strangler; fwd=stale; (?:fwd-status=503|detail=reset)$/);
    expect(await facade.metrics()).toContain('result="stale_if_error"} 1');
  });

  test('beyond it, or without it, the error is the answer', async () => {
    for (const control of ['max-age=60', 'max-age=60, stale-if-error=10']) {
      const { answers, facade } = await startCached(old(control, { etag: '"a"' }));
      await ask(facade.port, get('/a'));
      answers((_, response) => void response.writeHead(503).end('down'));
      expect(await ask(facade.port, get('/a'))).toMatchObject({ status: 503, body: 'down' });
    }
  });
});

describe('stale-while-revalidate', () => {
  test('something old is the answer at once, and it is fetched anew for the next', async () => {
    const { origin, answers, facade } = await startCached(
      old('max-age=60, stale-while-revalidate=9999', { etag: '"v1"' }),
    );
    await ask(facade.port, get('/a'));
    answers((_, response) => void response.writeHead(200, { 'cache-control': 'max-age=60' }).end('new'));
    const stale = await ask(facade.port, get('/a'));
    expect(stale.body).toBe('answer 1');
    expect(stale.header('cache-status')).toMatch(/^strangler; hit; ttl=-\d+$/);
    await expect
      .poll(async () => facade.metrics())
      .toContain('strangler_cache_stored_total{route="reads"} 2');
    expect((await ask(facade.port, get('/a'))).body).toBe('new');
    expect(origin.asked).toHaveLength(2);
  });

  test('a 304 renews it; an error leaves it', async () => {
    const control = 'max-age=60, stale-while-revalidate=9999';
    const { origin, answers, facade } = await startCached(old(control, { etag: '"v1"' }));
    await ask(facade.port, get('/a'));
    answers((_, response) => void response.writeHead(500).end('no'));
    expect((await ask(facade.port, get('/a'))).body).toBe('answer 1');
    await expect.poll(() => origin.asked.length).toBe(2);
    answers(
      (_, response) => void response.writeHead(304, { etag: '"v1"', 'cache-control': 'max-age=60' }).end(),
    );
    await expect
      .poll(async () => (await ask(facade.port, get('/a'))).header('cache-status'))
      .toMatch(/ttl=(?:60|59)$/);
  });
});
