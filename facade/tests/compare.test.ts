import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { json, none, startPair } from './compared-pair.ts';
import { ask, get } from './raw-client.ts';

describe('what is counted', () => {
  test('equal: the order of keys means nothing', async () => {
    const { facade, counts, shadow } = await startPair(json({ a: 1, b: [1, 2] }), json({ b: [1, 2], a: 1 }));
    await ask(facade.port, get('/read//x?q=1', 'X-A: 1'));
    expect(await counts()).toEqual({ ...none, equal: 1 });
    expect(shadow.asked[0]).toMatchObject({
      method: 'GET',
      url: '/read//x?q=1',
      headers: { 'x-a': '1', host: 'shop.example' },
    });
  });

  test('different: where, without values', async () => {
    const { facade, counts } = await startPair(
      json({ events: [{ price: '1.00' }, { price: '2.00' }], total: 2 }),
      json({ events: [{ price: 1 }, { price: 2 }] }, 203),
    );
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toEqual({
      ...none,
      different: 1,
      places: { 'status (changed)': 1, '$.events[*].price (type)': 2, '$.total (missing)': 1 },
    });
  });

  test('equal: bodies that are compressed differently', async () => {
    const zipped =
      (level: number): RequestListener =>
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
        response.end(gzipSync(JSON.stringify({ a: 'a'.repeat(1000) }), { level }));
      };
    const { facade, counts } = await startPair(zipped(1), zipped(9));
    await ask(facade.port, get('/read/x', 'Accept-Encoding: gzip'));
    expect(await counts()).toEqual({ ...none, equal: 1 });
  });

  test('failed: the other side is down', async () => {
    const { facade, counts, shadow } = await startPair(json(1), json(1));
    await shadow.close();
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toMatchObject({ failed: 1, lastFailure: expect.stringContaining('ECONNREFUSED') });
  });

  test('failed: the other side breaks off', async () => {
    const { facade, counts } = await startPair(json(1), (_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half', () => response.destroy());
    });
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toMatchObject({ failed: 1, equal: 0 });
  });

  test('failed: the other side’s answer is beyond the bound', async () => {
    const { facade, counts } = await startPair(json(1), json('x'.repeat(300_000)));
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toMatchObject({ failed: 1, lastFailure: expect.stringContaining('262144') });
  });

  test('shed: more at once than there is room for', async () => {
    const { facade, counts } = await startPair(json(1), () => {});
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(facade.port, get('/read/x'))));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const { shed = 0, failed = 0 } = await counts();
    expect(shed).toBeGreaterThan(0);
    expect(shed + failed).toBe(100);
    // Room is given back.
    await ask(facade.port, get('/read/x'));
    expect((await counts()).shed).toBe(shed);
  });
});

describe('what is not compared', () => {
  test.each([
    ['POST', 'POST /read/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'],
    ['HEAD', 'HEAD /read/x HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a GET with a body', 'GET /read/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'],
    ['a route without compare', get('/rest')],
  ])('%s', async (_, bytes) => {
    const { facade, counts, shadow } = await startPair(json(1), json(1));
    await ask(facade.port, bytes, bytes.startsWith('HEAD') ? 'HEAD' : 'GET');
    expect(await counts()).toEqual(none);
    expect(shadow.asked).toEqual([]);
  });

  test('an answer beyond the bound, which is counted as skipped', async () => {
    const { facade, counts, shadow } = await startPair(json('x'.repeat(300_000)), json(1));
    await ask(facade.port, get('/read/x'));
    expect(await counts()).toEqual({ ...none, skipped: 1 });
    expect(shadow.asked).toEqual([]);
  });

  test('an answer that broke off', async () => {
    const { facade, counts, shadow } = await startPair((_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half', () => response.destroy());
    }, json(1));
    await expect(ask(facade.port, get('/read/x'))).rejects.toThrow('incomplete');
    expect(await counts()).toEqual(none);
    expect(shadow.asked).toEqual([]);
  });
});

test('the client never waits for the other side, nor sees it', async () => {
  const { facade, counts } = await startPair(json('first'), () => {});
  const answer = await ask(facade.port, get('/read/x'));
  expect(answer).toMatchObject({ status: 200, body: '"first"' });
  expect(answer.header('x-served-by')).toBe('first');
  // It has its answer while the comparison is still under way.
  const { routes } = await facade.routes();
  expect(routes.find(({ name }) => name === 'read')?.compare).toMatchObject({ failed: 0 });
  expect(await counts()).toMatchObject({ failed: 1 });
});
