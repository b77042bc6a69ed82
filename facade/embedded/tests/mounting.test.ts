import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { describe, expect, test } from 'vitest';
import { bodyOf, mirror, startOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startApplication } from './running-application.ts';

/** Everything under /api goes to a service, and the rest to the application. */
const routes = (servicePort: number, more = '') => `version: 1
servedBy: true
backends:
  monolith: { url: http://127.0.0.1:9 }
  service: { url: http://127.0.0.1:${servicePort} }
routes:
  - { name: api, match: { path: /api/* }, to: service${more} }
`;

/** A service that answers with the body's own words. */
const startEcho = () =>
  startOrigin(async (request, response) => {
    const body = await bodyOf(request);
    const { 'content-length': length, 'content-encoding': encoding, 'content-type': type } = request.headers;
    response.end(JSON.stringify({ body: body.toString(), length, encoding, type }));
  });

async function post(
  url: string,
  type: string,
  body: string | Buffer,
  headers = {},
): Promise<Record<string, string | number>> {
  const answer = await fetch(url, {
    method: 'POST',
    body: new Uint8Array(Buffer.from(body)),
    headers: { 'content-type': type, ...headers },
  });
  return { status: answer.status, ...((await answer.json()) as Record<string, string>) };
}

describe('what a route gives to the application, or no route takes, is its own', () => {
  test('with its own answer, and the name of who gave it', async () => {
    const origin = await startOrigin(mirror);
    const app = await startApplication(routes(origin.port));
    const own = await fetch(`${app.url}/cart?a=1`);
    expect(await own.text()).toBe('own /cart?a=1');
    expect(own.headers.get('x-served-by')).toBe('monolith');
    const service = await fetch(`${app.url}/api/x`);
    expect(service.headers.get('x-served-by')).toBe('service');
    expect(await app.metrics()).toMatch(
      /^strangler_requests_total\{route="application",backend="monolith",status="2xx"\} 1$/m,
    );
  });

  test('also for clients that are sent there by weight, who keep their side', async () => {
    const origin = await startOrigin((_, response) => response.end('service'));
    const app = await startApplication(
      `version: 1
backends:
  monolith: { url: http://127.0.0.1:9 }
  service: { url: http://127.0.0.1:${origin.port} }
routes:
  - { name: api, match: { path: /api/*, method: GET }, to: { monolith: 1, service: 1 } }
`,
    );
    const seen = new Set<string>();
    for (let client = 0; client < 30; client++) {
      const first = await fetch(`${app.url}/api/x`);
      const body = await first.text();
      const cookie = first.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '';
      expect(cookie).toMatch(/^strangler_id=/);
      expect(await (await fetch(`${app.url}/api/x`, { headers: { cookie } })).text()).toBe(body);
      seen.add(body);
    }
    expect([...seen].sort()).toEqual(['own /api/x', 'service']);
  });

  test('with the body still to be read', async () => {
    const origin = await startOrigin(mirror);
    const app = await startApplication(routes(origin.port), {
      build(express, strangled) {
        express.use(strangled);
        express.use((request, response) => void request.pipe(response));
      },
    });
    const body = 'x'.repeat(300_000);
    const answer = await fetch(`${app.url}/upload`, { method: 'POST', body });
    expect(await answer.text()).toBe(body);
  });

  test('and its error handlers see its errors', async () => {
    const origin = await startOrigin(mirror);
    const app = await startApplication(routes(origin.port), {
      build(express, strangled) {
        express.use(strangled);
        express.use(() => {
          throw new Error('own fault');
        });
        express.use(
          (error: Error, _: express.Request, response: express.Response, _next: express.NextFunction) => {
            response.status(500).send(error.message);
          },
        );
      },
    });
    const answer = await fetch(`${app.url}/x`);
    expect([answer.status, await answer.text()]).toEqual([500, 'own fault']);
  });

  test('however much it has to do, and whatever routes.yaml allows a backend', async () => {
    const origin = await startOrigin(mirror);
    const text = routes(origin.port).replace(':9 }', ':9, bulkhead: { requests: 1, queue: 1, wait: 10ms } }');
    const app = await startApplication(text, {
      build(express, strangled) {
        express.use(strangled);
        express.get('/events', (_, response) => void response.write('data: 1\n\n'));
        express.use((_, response) => void response.send('own'));
      },
    });
    const listener = (await RawClient.connect(app.port)).send(get('/events'));
    await listener.until('data: 1');
    expect(await ask(app.port, get('/x'))).toMatchObject({ status: 200, body: 'own' });
    listener.socket.destroy();
  });

  test('a backend that routes.yaml does not have cannot be the application', async () => {
    const origin = await startOrigin(mirror);
    await expect(startApplication(routes(origin.port), { self: 'shop' })).rejects.toMatchObject({
      code: 'self_unknown',
      hint: expect.stringContaining('monolith, service'),
    });
  });
});

describe('under a prefix, routes are those of the whole path', () => {
  test('and so is what a service is asked', async () => {
    const origin = await startOrigin(mirror);
    const app = await startApplication(routes(origin.port), {
      build(express, strangled) {
        express.use('/api', strangled);
        express.use('/shop', strangled);
        express.use((request, response) => void response.send(`own ${request.url}`));
      },
    });
    const { url } = (await (await fetch(`${app.url}/api//x?a=1`)).json()) as { url: string };
    expect(url).toBe('/api//x?a=1');
    expect(await (await fetch(`${app.url}/shop/api/x`)).text()).toBe('own /shop/api/x');
  });

  test('mounted twice, a request is the application’s the second time', async () => {
    const origin = await startOrigin(mirror);
    const app = await startApplication(routes(origin.port), {
      build(express, strangled) {
        express.use(strangled, strangled);
        express.use((_, response) => void response.send('own'));
      },
    });
    expect(await (await fetch(`${app.url}/x`)).text()).toBe('own');
  });
});

describe('behind body parsers, a service gets the body all the same', () => {
  async function behind(...parsers: express.RequestHandler[]) {
    const origin = await startEcho();
    const app = await startApplication(routes(origin.port), {
      build(express, strangled) {
        express.use(...parsers, strangled);
        express.use((request, response) => void response.json({ own: request.body }));
      },
    });
    return { origin, app, url: `${app.url}/api/x` };
  }

  test('JSON', async () => {
    const { url } = await behind(express.json());
    const sent = '{ "name": "Zoë",  "n": [1, null] }';
    expect(await post(url, 'application/json', sent)).toMatchObject({
      body: '{"name":"Zoë","n":[1,null]}',
      length: '28',
      type: 'application/json',
    });
    expect((await post(url, 'application/vnd.x+json', sent)).body).toBe(sent);
  });

  test.each([
    ['a=1&b=caf%C3%A9+x&empty=', false, 'a=1&b=caf%C3%A9%20x&empty='],
    ['a=1&a=2', false, 'a=1&a=2'],
    ['a[]=1&b[c][d]=2&e[0][f]=3&g=1&g=2', true, 'a%5B%5D=1&b%5Bc%5D%5Bd%5D=2&e%5B0%5D%5Bf%5D=3&g=1&g=2'],
  ])('a form: %s', async (sent, extended, body) => {
    const { url } = await behind(express.urlencoded({ extended }));
    expect(await post(url, 'application/x-www-form-urlencoded', sent)).toMatchObject({ body });
  });

  test('bytes and text, as they were', async () => {
    const { url } = await behind(express.raw({ type: 'image/*' }), express.text());
    expect((await post(url, 'image/x', 'pi\r\nxels')).body).toBe('pi\r\nxels');
    expect((await post(url, 'text/plain; charset=utf-8', 'Zoë')).body).toBe('Zoë');
    const latin = await post(url, 'text/plain; charset=iso-8859-1', Buffer.from('Zo\xeb', 'latin1'));
    expect(latin).toMatchObject({ length: '3' });
    const cyrillic = await post(url, 'text/plain; charset=koi8-r', Buffer.from([0xc1]));
    expect(cyrillic).toMatchObject({ status: 500, code: 'body_already_read' });
  });

  test('the very bytes, where the application keeps them: a signature still fits', async () => {
    const keep: NonNullable<Parameters<typeof express.json>[0]>['verify'] = (request, _, bytes) => {
      Object.assign(request, { rawBody: bytes });
    };
    const { url } = await behind(express.json({ verify: keep }));
    const sent = '{ "amount": 10.00 }';
    const signature = (body: string) => createHmac('sha256', 'secret').update(body).digest('hex');
    const { body } = await post(url, 'application/json', sent);
    expect(signature(String(body))).toBe(signature(sent));
  });

  test('what a parser has decompressed is sent as it is now', async () => {
    const { url } = await behind(express.json());
    const sent = gzipSync('{"a":1}');
    const got = await post(url, 'application/json', sent, { 'content-encoding': 'gzip' });
    expect(got).toMatchObject({ body: '{"a":1}', length: '7' });
    expect(got.encoding).toBeUndefined();
  });

  test('what no parser took is streamed', async () => {
    const { url } = await behind(express.json(), express.urlencoded({ extended: false }));
    const sent = 'x'.repeat(500_000);
    expect((await post(url, 'application/octet-stream', sent)).body).toBe(sent);
  });

  test('a body of which nothing is left is not sent as an empty one', async () => {
    const { app, origin } = await behind((request, _, next) => {
      request.on('data', () => {});
      request.on('end', () => next());
    });
    const answer = await fetch(`${app.url}/api/x`, { method: 'POST', body: 'gone' });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ code: 'body_already_read', backend: 'service' });
    expect(origin.asked).toEqual([]);
  });
});

describe('what the application does to every answer, it does to those of services', () => {
  test('its headers stand, unless the service says otherwise, and cookies of both are set', async () => {
    const origin = await startOrigin((_, response) => {
      response.writeHead(200, { 'cache-control': 'no-store', 'set-cookie': ['s=1', 't=2'] }).end();
    });
    const app = await startApplication(routes(origin.port), {
      build(express, strangled) {
        express.disable('x-powered-by');
        express.use((_, response, next) => {
          response.set({ 'cache-control': 'public', 'x-frame-options': 'DENY' });
          response.cookie('own', '1', { path: '/' });
          next();
        });
        express.use(strangled);
      },
    });
    const { headers } = await fetch(`${app.url}/api/x`);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.getSetCookie()).toEqual(['own=1; Path=/', 's=1', 't=2']);
  });

  test('whom it trusts about the client is trusted', async () => {
    const origin = await startOrigin(mirror);
    const told = async (trust: boolean) => {
      const app = await startApplication(routes(origin.port), {
        build(express, strangled) {
          express.set('trust proxy', trust);
          express.use(strangled);
        },
      });
      const sent = get('/api/x', 'X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https');
      return JSON.parse((await ask(app.port, sent)).body).headers;
    };
    expect(await told(true)).toMatchObject({
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'https',
    });
    expect(await told(false)).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
  });
});
