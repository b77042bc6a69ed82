import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import express, { type ErrorRequestHandler } from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mintIdentity } from '../identity.ts';
import { legacyReplies, redirectLegacy, sendLegacyHtml, sendLegacyJson } from '../legacy-replies.ts';
import { int } from '../legacy-values.ts';
import { buildService, type Service } from '../service.ts';
import { testSecret } from '../testing/service-process.ts';

// The same routes on a real Express 4 and on the kit: whatever one answers, the other must answer.

let old: http.Server;
let app: Service;
let identity: string;

beforeAll(async () => {
  old = expressApp().listen(0, '127.0.0.1');
  await new Promise((resolve) => old.once('listening', resolve));
  app = await buildService({
    name: 'kit',
    description: 'Under test.',
    identity: { keys: { secret: testSecret }, audience: 'kit', issuers: ['facade'] },
    checks: {},
  });
  await app.register(async (legacy: Service) => {
    legacyReplies(legacy);
    legacy.all('/api/echo', async (request, reply) => sendLegacyJson(reply, 200, { body: request.body }));
    legacy.get('/api/item/:id', async (request, reply) =>
      sendLegacyJson(reply, 200, { id: int((request.params as { id: string }).id), name: 'Zürich ☃' }),
    );
    legacy.get('/api/missing', async (_request, reply) => sendLegacyJson(reply, 404, { error: 'no' }));
    legacy.post('/form', async (_request, reply) => redirectLegacy(reply, '/account?saved=1'));
    legacy.get('/forbidden', async (_request, reply) => sendLegacyHtml(reply, 403, 'Forbidden'));
    legacy.get('/api/broken', async () => {
      throw new Error('a secret detail');
    });
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  identity = await mintIdentity({ secret: testSecret, issuer: 'facade', audience: 'kit' });
});

afterAll(async () => {
  old.close();
  await app.close();
});

function expressApp() {
  const application = express();
  application.use(express.json());
  application.use(express.urlencoded({ extended: false }));
  application.all('/api/echo', (req, res) => void res.json({ body: req.body }));
  application.get('/api/item/:id', (req, res) => void res.json({ id: int(req.params.id), name: 'Zürich ☃' }));
  application.get('/api/missing', (_req, res) => void res.status(404).json({ error: 'no' }));
  application.post('/form', (req, res) => res.redirect(`http://${req.headers.host}/account?saved=1`));
  application.get('/forbidden', (_req, res) => void res.status(403).send('Forbidden'));
  application.get('/api/broken', () => {
    throw new Error('a secret detail');
  });
  application.use((_req, res) => void res.status(404).json({ error: 'not found' }));
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    const status: number = error.status ?? 500;
    const known = status === 413 ? 'request entity too large' : 'bad request';
    const message = error.type === 'entity.parse.failed' ? 'invalid JSON' : known;
    res.status(status).json({ error: status === 500 ? 'internal error' : message });
  };
  application.use(onError);
  return application;
}

interface Sent {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

async function send(server: http.Server, sent: Sent) {
  const { port } = server.address() as AddressInfo;
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const request = http.request(
        {
          port,
          host: '127.0.0.1',
          method: sent.method ?? 'GET',
          path: sent.path,
          headers: { host: 'ticketnow.example', 'x-strangler-identity': identity, ...sent.headers },
          agent: false,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const names = ['content-type', 'etag', 'location', 'content-length'];
            const headers = Object.fromEntries(names.map((name) => [name, response.headers[name]]));
            resolve({ status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString() });
          });
        },
      );
      request.on('error', reject);
      request.end(sent.body);
    },
  );
}

const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const post = (headers: Record<string, string>, body?: string | Buffer): Sent => ({
  method: 'POST',
  path: '/api/echo',
  headers,
  ...(body === undefined ? {} : { body }),
});

const requests: [string, Sent][] = [
  ['JSON', post(json, '{"b":1,"a":[true,null,"x"]}')],
  ['JSON with a charset', post({ 'content-type': 'application/json; charset=UTF-8' }, '{"a":"ü"}')],
  [
    'JSON in UTF-16',
    post({ 'content-type': 'application/json; charset=utf-16le' }, Buffer.from('{"a":1}', 'utf16le')),
  ],
  ['JSON with a byte order mark', post(json, '\ufeff{"a":1}')],
  ['a list', post(json, '[1,2]')],
  ['JSON that is no object', post(json, '"text"')],
  ['null', post(json, 'null')],
  ['malformed JSON', post(json, '{"a":')],
  ['blank JSON', post(json, '   ')],
  ['an empty body', post(json, '')],
  ['no body at all', post({})],
  ['__proto__ in JSON', post(json, '{"__proto__":{"x":1}}')],
  ['a form', post(form, 'a=1&b=x%20y+z&a=2&c')],
  ['a form with bad escapes', post(form, 'a=%zz&b=%')],
  ['a form with too many fields', post(form, 'a=1&'.repeat(1001))],
  ['a form in another charset', post({ 'content-type': `${form['content-type']}; charset=latin1` }, 'a=1')],
  ['another type', post({ 'content-type': 'text/plain' }, '{"a":1}')],
  ['no type', post({}, '{"a":1}')],
  ['a type that is none', post({ 'content-type': 'nonsense' }, '{"a":1}')],
  ['JSON as a vendor type', post({ 'content-type': 'application/vnd.api+json' }, '{"a":1}')],
  ['JSON in an unknown charset', post({ 'content-type': 'application/json; charset=latin1' }, '{"a":1}')],
  ['gzip', post({ ...json, 'content-encoding': 'gzip' }, gzipSync('{"a":1}'))],
  ['broken gzip', post({ ...json, 'content-encoding': 'gzip' }, 'not gzip')],
  ['an unknown encoding', post({ ...json, 'content-encoding': 'br' }, 'x')],
  ['exactly 100 KiB', post(json, JSON.stringify(['x'.repeat(102_400 - 4)]))],
  ['one byte more', post(json, JSON.stringify(['x'.repeat(102_400 - 3)]))],
  [
    'too much after inflating',
    post({ ...json, 'content-encoding': 'gzip' }, gzipSync(JSON.stringify(['x'.repeat(200_000)]))),
  ],
  [
    'too much in chunks',
    post({ ...json, 'transfer-encoding': 'chunked' }, JSON.stringify(['x'.repeat(200_000)])),
  ],
  ['a read', { path: '/api/item/12abc' }],
  ['HEAD', { method: 'HEAD', path: '/api/item/1' }],
  ['a slash at the end and other case', { path: '/API/Item/1/' }],
  ['an escaped id', { path: '/api/item/%31%32' }],
  ['a long id', { path: `/api/item/${'9'.repeat(500)}` }],
  ['an error with a tag', { path: '/api/missing', headers: { 'if-none-match': '*' } }],
  ['an unknown path', { path: '/api/nothing' }],
  ['an unknown method', { method: 'DELETE', path: '/api/item/1' }],
  ['an error inside', { path: '/api/broken' }],
  ['a page that is forbidden', { path: '/forbidden' }],
];

describe('answers as Express does', () => {
  test.each(requests)('%s', async (_name, sent) => {
    const [expected, got] = await Promise.all([send(old, sent), send(app.server, sent)]);
    expect(got).toEqual(expected);
  });

  test.each(['GET', 'HEAD'])('304 to %s with the tag', async (method) => {
    const { headers } = await send(old, { path: '/api/item/1' });
    for (const conditions of [
      { 'if-none-match': String(headers.etag) },
      { 'if-none-match': `"other", ${headers.etag}` },
      { 'if-none-match': '*' },
      { 'if-none-match': '"other"' },
      { 'if-none-match': String(headers.etag), 'cache-control': 'no-cache' },
    ]) {
      const sent = { method, path: '/api/item/1', headers: conditions };
      const [expected, got] = await Promise.all([send(old, sent), send(app.server, sent)]);
      expect(got).toEqual(expected);
    }
  });

  test('a redirect has the same status and Location', async () => {
    const sent = { method: 'POST', path: '/form', headers: form, body: 'a=1' };
    const [expected, got] = await Promise.all([send(old, sent), send(app.server, sent)]);
    expect([got.status, got.headers.location]).toEqual([expected.status, expected.headers.location]);
    expect(got.headers.location).toBe('http://ticketnow.example/account?saved=1');
  });
});
