import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { KeptBytes } from '../compare/kept-bytes.ts';
import type { ComparedRequest, Comparison } from '../compare/recorder.ts';
import { Shadow } from '../compare/shadow.ts';
import { bodyOf, startOrigin } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';
import { startRunningFacade } from './running-facade.ts';

const json =
  (value: unknown, status = 200): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };

/** A facade that answers from `first` and compares with `other`. */
async function startPair(
  first: RequestListener,
  other: RequestListener,
  compare = 'other',
  more = '',
  to = 'first',
) {
  const pairs: { request: ComparedRequest; comparison: Comparison }[] = [];
  const primary = await startOrigin(first);
  const shadow = await startOrigin(other);
  const facade = await startRunningFacade(
    `version: 1
servedBy: true
backends:
  first: { url: http://127.0.0.1:${primary.port}, timeouts: { request: 2s } }
  other: { url: http://127.0.0.1:${shadow.port}, timeouts: { request: 300ms, idle: 300ms } }
routes:
  - { name: read, match: { path: /read/*, method: [GET, POST] }, writes: false, to: ${to}, compare: ${compare}${more} }
  - { name: rest, match: { path: /* }, to: first }
`,
    { recorder: { record: (request, comparison) => pairs.push({ request, comparison }) } },
  );
  const counts = async () => {
    await facade.comparisonsSettled();
    const { routes } = await facade.routes();
    const { equal, different, failed, skipped, shed, places, lastFailure } =
      routes.find(({ name }) => name === 'read')?.compare ?? {};
    return { equal, different, failed, skipped, shed, places, lastFailure };
  };
  return { primary, shadow, facade, counts, pairs };
}

const none = { equal: 0, different: 0, failed: 0, skipped: 0, shed: 0, places: {}, lastFailure: undefined };

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

  describe('where an answer sends its client', () => {
    const redirect =
      (to: (own: string) => string): RequestListener =>
      (request, response) => {
        response.writeHead(302, { location: to(`127.0.0.1:${request.socket.localPort}`) }).end();
      };
    test.each<[(own: string) => string, (own: string) => string]>([
      [(own) => `http://${own}/login?a=1`, (own) => `http://${own}/login?a=1`],
      [(own) => `http://${own}/login`, () => '/login'],
      [() => 'http://shop.example/login', (own) => `//${own}/login`],
      [() => 'https://shop.example/login', () => '../login'],
      [() => '/read/caf\u00e9', () => '/read/caf%C3%A9'],
      [() => 'https://login.example/x', () => 'https://login.example/x'],
    ])('equal: %s and %s', async (first, other) => {
      const { facade, counts } = await startPair(redirect(first), redirect(other));
      await ask(facade.port, get('/read/x'));
      expect(await counts()).toEqual({ ...none, equal: 1 });
    });

    test.each<[(own: string) => string, (own: string) => string]>([
      [(own) => `http://${own}/login?a=1`, (own) => `http://${own}/login?a=2`],
      [() => '/login', () => '/login/'],
      [() => 'https://login.example/x', () => '/x'],
      [() => 'https://login.example/x', () => 'https://login2.example/x'],
    ])('different: %s and %s', async (first, other) => {
      const { facade, counts } = await startPair(redirect(first), redirect(other));
      await ask(facade.port, get('/read/x'));
      expect(await counts()).toEqual({ ...none, different: 1, places: { 'header location (changed)': 1 } });
    });

    test('different: only one does', async () => {
      const { facade, counts } = await startPair(
        redirect(() => '/login'),
        json({}, 302),
      );
      await ask(facade.port, get('/read/x'));
      expect((await counts()).places).toMatchObject({ 'header location (missing)': 1 });
    });
  });

  describe('the cookies that an answer sets', () => {
    const setting =
      (...cookies: string[]): RequestListener =>
      (_, response) => {
        response.writeHead(200, { 'content-type': 'text/plain', 'set-cookie': cookies }).end('x');
      };
    const later = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString();

    test('equal: other values, another order, another spelling', async () => {
      const { facade, counts } = await startPair(
        setting(
          `sid=s%3Aone; Path=/; Expires=${later(60)}; HttpOnly; SameSite=Lax`,
          'seen=1; Domain=.shop.example',
        ),
        setting(
          'seen=2; domain=SHOP.example',
          `sid=two;httponly;  samesite=lax; expires=${later(99)}; path=/`,
        ),
      );
      await ask(facade.port, get('/read/x'));
      expect(await counts()).toEqual({ ...none, equal: 1 });
    });

    test('different: names and attributes, without values', async () => {
      const { facade, counts } = await startPair(
        setting(`connect.sid=secret; Path=/; HttpOnly; Secure; Expires=${later(60)}`, 'old=1'),
        setting(`connect.sid=hidden; Path=/api; HttpOnly; Expires=${later(-60)}`, 'new=1'),
      );
      await ask(facade.port, get('/read/x'));
      expect(await counts()).toEqual({
        ...none,
        different: 1,
        places: {
          'header set-cookie["connect.sid"][*].path (changed)': 1,
          'header set-cookie["connect.sid"][*].secure (missing)': 1,
          'header set-cookie["connect.sid"][*].expires (changed)': 1,
          'header set-cookie.old (missing)': 1,
          'header set-cookie.new (added)': 1,
        },
      });
    });

    test('equal: what the facade itself sets is nobody’s difference', async () => {
      const { facade, counts } = await startPair(setting(), setting(), 'other', '', '{ first: 1, other: 0 }');
      await ask(facade.port, get('/read/x'));
      expect(await counts()).toEqual({ ...none, equal: 1 });
    });
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

describe('settings', () => {
  test('a sample is compared: the same share of traces, wherever they are seen', async () => {
    const { facade, counts, shadow } = await startPair(json(1), json(1), '{ with: other, sample: 25% }');
    const client = await RawClient.connect(facade.port);
    for (let quarter = 0; quarter < 8; quarter++) {
      const random = Math.floor((quarter / 8) * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
      const trace = `traceparent: 00-${'1'.repeat(24)}${random}-00f067aa0ba902b7-01`;
      await client.send(get(`/read/${quarter}`, trace)).answer();
    }
    expect(await counts()).toMatchObject({ equal: 2 });
    expect(shadow.asked.map(({ url }) => url).sort()).toEqual(['/read/0', '/read/1']);
    expect((await facade.routes()).routes.find(({ name }) => name === 'read')?.compare?.sample).toBe(0.25);
  });

  test('bodies up to a bound of the route’s own are compared', async () => {
    const { facade, counts, pairs } = await startPair(
      (request, response) => response.end('x'.repeat(Number(request.url?.slice(6)))),
      (_, response) => response.end('y'.repeat(1025)),
      '{ with: other, bodies: 1KiB }',
    );
    await ask(facade.port, get('/read/1025'));
    expect(await counts()).toMatchObject({ skipped: 1, failed: 0 });
    await ask(facade.port, get('/read/1024'));
    expect(await counts()).toMatchObject({ failed: 1, lastFailure: expect.stringContaining('1024') });
    expect(pairs.map(({ comparison }) => comparison.result)).toEqual(['skipped', 'failed']);
  });

  test('writes are sent to both sides with their bodies where the route says that this is safe', async () => {
    const bodies: string[] = [];
    const keep: (name: string) => RequestListener = (name) => async (request, response) => {
      bodies.push(`${name} ${request.method} ${await bodyOf(request)}`);
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":1}');
    };
    const { facade, counts, pairs } = await startPair(
      keep('first'),
      keep('other'),
      '{ with: other, writesSafe: true, bodies: 1KiB }',
    );
    const post = (body: string) =>
      `POST /read/x HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    expect(await ask(facade.port, post('hello'))).toMatchObject({ status: 201, body: '{"id":1}' });
    expect(await counts()).toEqual({ ...none, equal: 1 });
    expect(bodies).toEqual(['first POST hello', 'other POST hello']);
    expect(pairs[0]?.request).toMatchObject({ method: 'POST', body: Buffer.from('hello') });
    // A body that is not kept whole cannot be sent again.
    expect((await ask(facade.port, post('x'.repeat(1025)))).status).toBe(201);
    expect(await counts()).toMatchObject({ skipped: 1 });
    expect(bodies).toHaveLength(3);
  });

  test('both sides are seen as a client would see them: rewritten', async () => {
    const redirect: RequestListener = (request, response) =>
      response
        .writeHead(302, { location: `http://127.0.0.1:${request.socket.localPort}${request.url}` })
        .end();
    const { facade, pairs, shadow } = await startPair(
      redirect,
      redirect,
      'other',
      ', rewrite: { prefix: /v2, location: true, requestHeaders: { set: { x-a: "1" } } }',
    );
    await ask(facade.port, get('/read/x?q'));
    await facade.comparisonsSettled();
    expect(shadow.asked[0]).toMatchObject({ url: '/v2/x?q', headers: { 'x-a': '1' } });
    const { comparison } = pairs[0] ?? {};
    if (comparison?.result !== 'equal') throw new Error(`It is ${comparison?.result}.`);
    const location = ({ answer }: typeof comparison.first) =>
      answer.headers[answer.headers.findIndex((name) => name.toLowerCase() === 'location') + 1];
    expect(location(comparison.first)).toBe('http://shop.example/v2/x?q');
    expect(location(comparison.other)).toBe('http://shop.example/v2/x?q');
  });
});

describe('a recorder of one’s own', () => {
  test('gets both answers, what was asked, and the times', async () => {
    const before = Date.now();
    const { facade, pairs } = await startPair(json({ a: 1 }), json({ a: 2 }));
    await ask(
      facade.port,
      get('/read/x?q=1', 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01'),
    );
    await facade.comparisonsSettled();
    expect(pairs).toEqual([
      {
        request: {
          route: 'read',
          method: 'GET',
          path: '/read/x?q=1',
          traceId: '0af7651916cd43dd8448eb211c80319c',
          body: Buffer.alloc(0),
        },
        comparison: {
          result: 'different',
          differences: [{ path: '$.a', kind: 'changed', left: 1, right: 2 }],
          first: side('first', '{"a":1}'),
          other: side('other', '{"a":2}'),
        },
      },
    ]);
    const { comparison } = pairs[0] ?? {};
    if (comparison?.result !== 'different') throw new Error('It is not different.');
    for (const { askedAt, milliseconds, answer } of [comparison.first, comparison.other]) {
      expect(askedAt.getTime()).toBeGreaterThanOrEqual(before);
      expect(milliseconds).toBeGreaterThan(0);
      // What the facade itself adds is no difference between backends.
      expect(answer.headers.join()).not.toContain('x-served-by');
    }
    expect(comparison.first.askedAt.getTime()).toBeLessThanOrEqual(comparison.other.askedAt.getTime());
  });

  test('that throws changes nothing', async () => {
    const origin = await startOrigin(json(1));
    const facade = await startRunningFacade(
      `version: 1
backends: { a: { url: "http://127.0.0.1:${origin.port}" }, b: { url: "http://127.0.0.1:${origin.port}" } }
routes: [{ name: all, match: { path: /*, method: GET }, to: a, compare: b }]
`,
      {
        recorder: {
          record: () => {
            throw new Error('full');
          },
        },
      },
    );
    expect((await ask(facade.port, get('/'))).status).toBe(200);
    await facade.comparisonsSettled();
    expect((await facade.routes()).routes[0]?.compare).toMatchObject({ equal: 1 });
    expect(await facade.logged(({ msg }) => msg.includes('defect'))).toBeDefined();
  });
});

function side(backend: string, body: string) {
  const answer = { status: 200, headers: expect.anything(), body: Buffer.from(body) };
  return { backend, askedAt: expect.any(Date), milliseconds: expect.any(Number), answer };
}

test('under load comparisons are shed before anything else is', async () => {
  const results: string[] = [];
  let busy = true;
  const shadow = new Shadow([{ record: (_, { result }) => results.push(result) }], {
    overloaded: () => busy,
    onDefect: () => {},
  });
  onTestFinished(() => shadow.close());
  const compare = { with: 'other', sample: 1, bodies: 1024, writesSafe: false };
  const where = { path: '/', origins: [], host: '' };
  const compared = { route: 'read', compare, method: 'GET', path: '/', traceId: '', backend: 'first', where };
  expect(shadow.begin(compared)).toBeUndefined();
  expect(results).toEqual(['shed']);
  busy = false;
  shadow.begin(compared)?.cancel();
  expect(results).toEqual(['shed']);
});

test('what comparisons keep is bounded together, and given back', async () => {
  const kept = new KeptBytes();
  const bodies = Array.from({ length: 40 }, () => kept.body(1024 * 1024));
  for (const body of bodies) body.add(Buffer.alloc(1024 * 1024));
  expect(kept.total).toBe(32 * 1024 * 1024);
  expect(bodies.filter(({ state }) => state === 'no_room')).toHaveLength(8);
  for (const body of bodies) body.drop();
  expect(kept.total).toBe(0);

  const { facade, counts } = await startPair(json('x'.repeat(100_000)), json('x'.repeat(100_000)));
  await Promise.all(Array.from({ length: 20 }, () => ask(facade.port, get('/read/x'))));
  expect(await counts()).toMatchObject({ equal: 20 });
  expect(await facade.metrics()).toContain('strangler_comparisons_kept_bytes 0');
  expect(await facade.metrics()).toContain('strangler_comparisons_total{route="read",result="equal"} 20');
});
