import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { startApplication } from '../../embedded/tests/running-application.ts';
import { startOrigin } from '../../tests/origins.ts';
import { ask, get, type RawAnswer } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';

const shop =
  '{ origins: ["https://shop.example", "https://*.shop.example"], credentials: true, expose: [x-total], maxAge: 10m }';

/** A backend that has something of its own to say about CORS. */
const talkative: RequestListener = (request, response) => {
  request.resume();
  response.setHeader('Access-Control-Allow-Origin', 'https://legacy.example');
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  response.setHeader('access-control-expose-headers', 'x-legacy');
  response.setHeader('Vary', 'Accept-Encoding');
  response.setHeader('x-total', '7');
  response.end(`backend ${request.method}`);
};

async function start(cors: string, others = '') {
  const origin = await startOrigin(talkative);
  const facade = await startRunningFacade(`version: 1
${others}
backends: { origin: { url: "http://127.0.0.1:${origin.port}", timeouts: { connect: 200ms } }, gone: { url: "http://127.0.0.1:9" } }
routes:
  - { name: items, match: { path: /items/*, method: [GET, PUT] }, to: origin, cors: ${cors} }
  - { name: gone, match: { path: /gone }, to: gone, cors: ${cors} }
  - { name: rest, match: { path: /* }, to: origin }
`);
  return { origin, facade };
}

const preflight = (path: string, origin: string, method: string, ...more: string[]) =>
  [
    `OPTIONS ${path} HTTP/1.1`,
    'Host: api.example',
    `Origin: ${origin}`,
    `Access-Control-Request-Method: ${method}`,
    ...more,
    '',
    '',
  ].join('\r\n');

const values = (answer: RawAnswer, name: string) =>
  answer.headers.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);

describe('a preflight', () => {
  test('is answered by the facade; no backend is asked', async () => {
    const { origin, facade } = await start(shop);
    const answer = await ask(
      facade.port,
      preflight(
        '/items/7',
        'https://www.shop.example',
        'PUT',
        'Access-Control-Request-Headers: content-type,x-a',
      ),
    );
    expect(answer).toMatchObject({ status: 204, body: '', framing: 'none' });
    expect(answer.header('access-control-allow-origin')).toBe('https://www.shop.example');
    expect(answer.header('access-control-allow-methods')).toBe('GET, PUT, HEAD');
    expect(answer.header('access-control-allow-headers')).toBe('content-type,x-a');
    expect(answer.header('access-control-allow-credentials')).toBe('true');
    expect(answer.header('access-control-max-age')).toBe('600');
    expect(answer.header('vary')).toContain('Origin');
    expect(origin.asked).toEqual([]);
    expect(await facade.metrics()).toContain(
      'strangler_requests_total{route="items",backend="facade",status="2xx"} 1',
    );
  });

  test('follows the route of the method that it asks for', async () => {
    const { origin, facade } = await start(shop);
    const answer = await ask(facade.port, preflight('/items/7', 'https://shop.example', 'DELETE'));
    expect(answer).toMatchObject({ status: 200, body: 'backend OPTIONS' });
    expect(origin.asked).toHaveLength(1);
  });

  test('of an origin that is not allowed gets no permission', async () => {
    const { facade } = await start(shop);
    for (const origin of [
      'https://evilshop.example',
      'https://shop.example.evil.com',
      'null',
      'http://shop.example',
    ]) {
      const answer = await ask(facade.port, preflight('/items/7', origin, 'PUT'));
      expect(answer.status).toBe(204);
      expect(answer.headers.filter(([name]) => name.toLowerCase().startsWith('access-control-'))).toEqual([]);
    }
  });

  test('settings replace the defaults; what is no list of names is not repeated', async () => {
    const { facade } = await start('{ origins: "*", methods: [GET], headers: [x-b, x-c] }');
    const answer = await ask(facade.port, preflight('/items/7', 'null', 'GET'));
    expect(answer.header('access-control-allow-origin')).toBe('*');
    expect(answer.header('access-control-allow-methods')).toBe('GET');
    expect(answer.header('access-control-allow-headers')).toBe('x-b, x-c');
    expect(answer.header('access-control-allow-credentials')).toBeUndefined();
    expect(answer.header('vary')).toBeUndefined();
    const asking = await start('{ origins: "*" }');
    const odd = preflight(
      '/items/7',
      'https://a.example',
      'GET',
      'Access-Control-Request-Headers: x-a;evil, <b>',
    );
    expect((await ask(asking.facade.port, odd)).header('access-control-allow-headers')).toBeUndefined();
  });

  test('OPTIONS without an Origin, or without a method, is an ordinary request', async () => {
    const { origin, facade } = await start(shop);
    await ask(
      facade.port,
      'OPTIONS /items/7 HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: GET\r\n\r\n',
    );
    await ask(facade.port, 'OPTIONS /items/7 HTTP/1.1\r\nHost: a\r\nOrigin: https://shop.example\r\n\r\n');
    expect(origin.asked).toHaveLength(2);
  });
});

describe('an answer', () => {
  test("names the origin once; the backend's own CORS headers are replaced, and its Vary kept", async () => {
    const { facade } = await start(shop);
    const answer = await ask(facade.port, get('/items/7', 'Origin: https://shop.example'));
    expect(answer.body).toBe('backend GET');
    expect(values(answer, 'access-control-allow-origin')).toEqual(['https://shop.example']);
    expect(values(answer, 'access-control-allow-credentials')).toEqual(['true']);
    expect(values(answer, 'access-control-expose-headers')).toEqual(['x-total']);
    expect(
      values(answer, 'vary')
        .join(', ')
        .toLowerCase()
        .split(/\s*,\s*/)
        .sort(),
    ).toEqual(['accept-encoding', 'origin']);
  });

  test('to an origin that is not allowed, or to none, gives no permission, and still varies', async () => {
    const { facade } = await start(shop);
    for (const lines of [['Origin: https://evilshop.example'], ['Origin: null'], []]) {
      const answer = await ask(facade.port, get('/items/7', ...lines));
      expect(answer.status).toBe(200);
      expect(answer.headers.filter(([name]) => name.toLowerCase().startsWith('access-control-'))).toEqual([]);
      expect(values(answer, 'vary').join(', ')).toContain('Origin');
    }
  });

  test('to two Origin headers gives no permission', async () => {
    const { facade } = await start(shop);
    const answer = await ask(
      facade.port,
      get('/items/7', 'Origin: https://shop.example', 'Origin: https://evil.example'),
    );
    expect(answer.header('access-control-allow-origin')).toBeUndefined();
  });

  test('of the facade itself, such as a failure, can be read by the page as well', async () => {
    const { facade } = await start(shop);
    const answer = await ask(facade.port, get('/gone', 'Origin: https://shop.example'));
    expect(answer.status).toBe(502);
    expect(answer.header('access-control-allow-origin')).toBe('https://shop.example');
    expect(answer.header('vary')).toBe('Origin');
  });

  test('for everybody says *, and does not vary', async () => {
    const { facade } = await start('{ origins: "*" }');
    const answer = await ask(facade.port, get('/items/7', 'Origin: https://anybody.example'));
    expect(values(answer, 'access-control-allow-origin')).toEqual(['*']);
    expect(values(answer, 'access-control-allow-credentials')).toEqual([]);
    expect(values(answer, 'vary')).toEqual(['Accept-Encoding']);
  });
});

describe('without cors', () => {
  test('everything passes to the backend and back', async () => {
    const { origin, facade } = await start(shop);
    const answer = await ask(facade.port, get('/rest', 'Origin: https://shop.example'));
    expect(answer.header('access-control-allow-origin')).toBe('https://legacy.example');
    expect((await ask(facade.port, preflight('/rest', 'https://shop.example', 'GET'))).body).toBe(
      'backend OPTIONS',
    );
    expect(origin.asked).toHaveLength(2);
  });

  test('a route takes what stands at the top level, unless it says false', async () => {
    const { facade } = await start('false', 'cors: { origins: ["https://top.example"] }');
    const rest = await ask(facade.port, get('/rest', 'Origin: https://top.example'));
    expect(rest.header('access-control-allow-origin')).toBe('https://top.example');
    const items = await ask(facade.port, get('/items/1', 'Origin: https://top.example'));
    expect(items.header('access-control-allow-origin')).toBe('https://legacy.example');
  });
});

test("embedded: a service's answers get it, the application's own keep their own", async () => {
  const origin = await startOrigin(talkative);
  const { port } = await startApplication(
    `version: 1
cors: { origins: ["https://shop.example"] }
backends: { monolith: { url: http://127.0.0.1:9 }, service: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - { name: moved, match: { path: /moved }, to: service }
`,
    {
      build(app, strangled) {
        app.use(strangled);
        app.use(
          (_, response) =>
            void response.set('Access-Control-Allow-Origin', 'https://own.example').send('own'),
        );
      },
    },
  );
  const moved = await ask(port, get('/moved', 'Origin: https://shop.example'));
  expect(values(moved, 'access-control-allow-origin')).toEqual(['https://shop.example']);
  expect(values(moved, 'vary').join(', ')).toMatch(/Accept-Encoding.*Origin/);
  expect((await ask(port, preflight('/moved', 'https://shop.example', 'GET'))).status).toBe(204);
  const own = await ask(port, get('/own', 'Origin: https://shop.example'));
  expect(values(own, 'access-control-allow-origin')).toEqual(['https://own.example']);
  expect(origin.asked).toHaveLength(1);
});
