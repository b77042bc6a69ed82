import { expect, test } from 'vitest';
import { answerOf, CertificateFolder, connectHttp2 } from '../../receive/tests/secure-facade.ts';
import { bodyOf, startOrigin } from '../../tests/origins.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';
import { documentOf, writeDocument } from '../../validate/tests/validated-route.ts';

// One facade with everything that looks at a request or an answer on its way, over HTTP/2.
test('over HTTP/2 answers are kept, validated and refreshed, preflights answered, and bodies compared', async () => {
  const minute = { 'cache-control': 'max-age=60', etag: '"a"' };
  const old = { age: '100', etag: '"a"' };
  const origin = await startOrigin(async (request, response) => {
    const body = await bodyOf(request);
    if (request.method === 'POST') response.end(`got ${body}`);
    else if (request.headers['if-none-match'] === '"a"') response.writeHead(304, minute).end();
    else if (request.url === '/fresh') response.writeHead(200, minute).end('x'.repeat(200_000));
    else if (request.url === '/old')
      response.writeHead(200, { ...old, 'cache-control': 'max-age=60' }).end('old');
    else
      response
        .writeHead(200, { ...old, 'cache-control': 'max-age=60, stale-while-revalidate=9999' })
        .end('swr');
  });
  const schema = { type: 'object', required: ['a'] };
  const document = documentOf({
    '/{any}': { post: { requestBody: { content: { 'application/json': { schema } } } } },
  });
  const certificates = await CertificateFolder.make('shop');
  const facade = await startRunningFacade(`version: 1
tls: { certificates: [${certificates.entry('shop')}] }
cors: { origins: ["https://shop.example"] }
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - { name: reads, match: { path: /*, method: GET }, to: origin, cache: {} }
  - { name: writes, match: { path: /*, method: POST }, to: origin, validate: { openapi: "${await writeDocument(document)}" } }
`);
  const client = await connectHttp2(facade.tlsPort ?? 0);
  const asked = async (headers: Record<string, string>, body?: string) => {
    const stream = client.request({
      ':authority': 'shop.example',
      origin: 'https://shop.example',
      ...headers,
    });
    stream.end(body);
    return answerOf(stream);
  };
  for (const status of ['uri-miss', 'hit']) {
    const answer = await asked({ ':path': '/fresh' });
    expect(answer.headers['cache-status']).toContain(status);
    expect(answer.headers['access-control-allow-origin']).toBe('https://shop.example');
    expect(answer.body.length).toBe(200_000);
  }
  expect((await asked({ ':path': '/fresh', 'if-none-match': '"a"' })).status).toBe(304);
  await asked({ ':path': '/old' });
  expect(await asked({ ':path': '/old' })).toMatchObject({
    body: 'old',
    headers: { 'cache-status': 'strangler; fwd=stale; fwd-status=304' },
  });
  await asked({ ':path': '/swr' });
  expect(await asked({ ':path': '/swr' })).toMatchObject({
    body: 'swr',
    headers: { age: expect.stringMatching(/^10/) },
  });
  await expect
    .poll(async () => (await asked({ ':path': '/swr' })).headers['cache-status'])
    .toMatch(/ttl=(?:60|59)$/);
  const preflight = { ':method': 'OPTIONS', 'access-control-request-method': 'GET' };
  expect((await asked({ ':path': '/fresh', ...preflight })).status).toBe(204);
  const post = { ':method': 'POST', ':path': '/orders', 'content-type': 'application/json' };
  expect((await asked(post, '{"b":1}')).status).toBe(400);
  const long = JSON.stringify({ a: 'x'.repeat(50_000) });
  expect((await asked(post, long)).body).toBe(`got ${long}`);
});
