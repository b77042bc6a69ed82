import { describe, expect, test } from 'vitest';
import { mirror, startOrigin } from '../../tests/origins.ts';
import { ask, get } from '../../tests/raw-client.ts';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';
import { noRedis, TestRedis } from './redis-server.ts';

if (noRedis !== undefined) console.warn(noRedis);

const shared = (line: { msg: string }) => line.msg.startsWith('rate limits are counted in Redis');
const local = (line: { msg: string }) => line.msg.startsWith('Redis does not answer');

/** @param timeout a machine that does much else may be slow, too. */
async function startFacades(
  url: string,
  limit: string,
  count = 2,
  timeout = '10000',
): Promise<RunningFacade[]> {
  const origin = await startOrigin(mirror);
  const yaml = `version: 1
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes: [{ name: limited, match: { path: /* }, to: origin, rateLimit: ${limit} }]
`;
  const start = () => startRunningFacade(yaml, { env: { REDIS_URL: url, REDIS_TIMEOUT_MS: timeout } });
  return Promise.all(Array.from({ length: count }, start));
}

/** Requests put to the facades in turn, one after another. */
async function inTurn(
  facades: readonly RunningFacade[],
  count: number,
  ...headers: string[]
): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < count; index++) {
    const { port } = facades[index % facades.length] as RunningFacade;
    statuses.push((await ask(port, get('/', ...headers))).status);
  }
  return statuses;
}

/** Resolves when a facade has said something so often. */
async function said(facade: RunningFacade, what: (line: { msg: string }) => boolean, times: number) {
  let seen = 0;
  await facade.logged((line) => what(line) && ++seen === times);
}

describe.skipIf(noRedis !== undefined)('with a Redis', () => {
  test('two facades share one limit', async () => {
    const redis = await TestRedis.start();
    const facades = await startFacades(redis.url, '{ requests: 4, per: 1h }');
    await Promise.all(facades.map((facade) => facade.logged(shared)));
    expect(await inTurn(facades, 6)).toEqual([200, 200, 200, 200, 429, 429]);
    const refused = await ask(facades[1]!.port, get('/'));
    expect(refused.header('ratelimit')).toMatch(/^"limited";r=0;t=(900|8\d\d)$/);
    expect(await facades[0]!.metrics()).toContain('strangler_rate_limit_shared 1');
  });

  test('many requests at once get no more than one facade would let through', async () => {
    const redis = await TestRedis.start();
    const facades = await startFacades(redis.url, '{ requests: 10, per: 1h }', 3);
    await Promise.all(facades.map((facade) => facade.logged(shared)));
    const asked = facades.flatMap(({ port }) => Array.from({ length: 20 }, () => ask(port, get('/'))));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(50);
  });

  test('it is refilled, and goes by itself when it is full', async () => {
    const redis = await TestRedis.start();
    const facades = await startFacades(redis.url, '{ requests: 20, per: 1s, burst: 1 }', 1);
    await facades[0]!.logged(shared);
    let admitted = 0;
    while (admitted < 5) if ((await inTurn(facades, 1))[0] === 200) admitted++;
    expect(Number(redis.ask('PTTL', redis.ask('KEYS', '*').trim()))).toBeLessThanOrEqual(51);
    while (redis.ask('KEYS', '*').trim() !== '');
  });

  test('neither a key nor an address is in Redis, nor in the log', async () => {
    const redis = await TestRedis.start('a-password');
    const limit =
      '[{ requests: 5, per: 1h, by: { header: x-api-key } }, { requests: 5, per: 1h, by: { cookie: uid } }, { requests: 5, per: 1h }]';
    const facades = await startFacades(redis.url, limit, 1);
    await facades[0]!.logged(shared);
    await inTurn(facades, 1, 'x-api-key: sk-hunter2', 'Cookie: uid=hunter3');
    const keys = redis.ask('KEYS', '*').trim().split('\n').sort();
    expect(keys).toEqual([
      expect.stringMatching(/^strangler:rate:route:limited.2:[\w-]{22}$/),
      expect.stringMatching(/^strangler:rate:route:limited.3:[\w-]{22}$/),
      expect.stringMatching(/^strangler:rate:route:limited:[\w-]{22}$/),
    ]);
    for (const key of keys) expect(redis.ask('GET', key)).toMatch(/^1 \d+\.?\d*\n$/);
    await redis.kill();
    await facades[0]!.logged(local);
    expect(JSON.stringify(facades[0]!.log)).not.toMatch(/hunter|a-password/);
  });

  test('it is killed: requests are answered, each facade counts for itself; it is back: shared again', async () => {
    const redis = await TestRedis.start();
    const facades = await startFacades(redis.url, '{ requests: 2, per: 1h }');
    await Promise.all(facades.map((facade) => facade.logged(shared)));
    expect(await inTurn(facades, 3)).toEqual([200, 200, 429]);

    await redis.kill();
    await Promise.all(facades.map((facade) => facade.logged(local)));
    // Two each, which is more than the limit allows and all that can be known.
    expect(await inTurn(facades, 6)).toEqual([200, 200, 200, 200, 429, 429]);
    expect(await facades[0]!.metrics()).toMatch(
      /^strangler_rate_limit_local_total 3$[\s\S]*^strangler_rate_limit_shared 0$/m,
    );

    await redis.start();
    await Promise.all(facades.map((facade) => said(facade, shared, 2)));
    expect(await inTurn(facades, 4)).toEqual([200, 200, 429, 429]);
    // However often it tried to connect.
    for (const { log } of facades) expect(log.filter(local)).toHaveLength(1);
  });

  test('it is not there at the start: the facade starts, and shares once it is', async () => {
    const redis = await TestRedis.start();
    await redis.kill();
    const facades = await startFacades(redis.url, '{ requests: 1, per: 1h }');
    await Promise.all(facades.map((facade) => facade.logged(local)));
    expect(await inTurn(facades, 4)).toEqual([200, 200, 429, 429]);
    await redis.start();
    await Promise.all(facades.map((facade) => facade.logged(shared)));
    expect(await inTurn(facades, 3)).toEqual([200, 429, 429]);
  });

  test('it says nothing for a while: nobody waits long, and then it is asked again', async () => {
    const redis = await TestRedis.start();
    const facades = await startFacades(redis.url, '{ requests: 3, per: 1h }', 2, '500');
    await Promise.all(facades.map((facade) => facade.logged(shared)));
    expect(await inTurn(facades, 2)).toEqual([200, 200]);
    redis.pause();
    expect(await inTurn(facades, 2)).toEqual([200, 200]);
    for (const facade of facades) {
      expect((await facade.logged(local)).reason).toBe('no answer within 500 ms');
    }
    redis.resume();
    await Promise.all(facades.map((facade) => said(facade, shared, 2)));
    // The two requests that it did not answer in time were charged all the same.
    expect(await inTurn(facades, 1)).toEqual([429]);
  });

  test('a connection that answers nothing is given up, and another is made', async () => {
    const redis = await TestRedis.start();
    const [facade] = await startFacades(redis.url, '{ requests: 1000, per: 1h }', 1, '500');
    await facade!.logged(shared);
    const connections = () => [...redis.ask('CLIENT', 'LIST').matchAll(/^id=(\d+)/gm)].map(([, id]) => id);
    const [first] = connections();
    redis.pause();
    // They wait together; the third that has no answer gives the connection up.
    await Promise.all(Array.from({ length: 5 }, () => ask(facade!.port, get('/'))));
    expect(facade!.log.filter(local)).toHaveLength(1);
    redis.resume();
    await said(facade!, shared, 2);
    expect((await ask(facade!.port, get('/'))).status).toBe(200);
    expect(connections()).toHaveLength(2);
    expect(connections()).not.toContain(first);
  });

  test('a wrong password is a Redis that does not answer', async () => {
    const redis = await TestRedis.start('right');
    const facades = await startFacades(redis.url.replace('right', 'wrong'), '{ requests: 1, per: 1h }', 1);
    const line = await facades[0]!.logged(local);
    expect(line.reason).toBe('WRONGPASS');
    expect(await inTurn(facades, 2)).toEqual([200, 429]);
  });

  test('a key that somebody else has put there is no error to a client', async () => {
    const redis = await TestRedis.start();
    const facades = await startFacades(redis.url, '{ requests: 5, per: 1h }', 1);
    await facades[0]!.logged(shared);
    await inTurn(facades, 1);
    const key = redis.ask('KEYS', '*').trim();
    redis.ask('DEL', key);
    redis.ask('LPUSH', key, 'x');
    expect(await inTurn(facades, 1)).toEqual([200]);
    expect((await facades[0]!.logged(local)).reason).toMatch(/^[A-Z]+$/);
  });

  test('who has no rate limit has no connection', async () => {
    const redis = await TestRedis.start();
    const origin = await startOrigin(mirror);
    const facade = await startRunningFacade(
      `version: 1
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`,
      { env: { REDIS_URL: redis.url } },
    );
    expect((await ask(facade.port, get('/'))).status).toBe(200);
    expect(redis.ask('CLIENT', 'LIST').trim().split('\n')).toHaveLength(1);
  });
});
