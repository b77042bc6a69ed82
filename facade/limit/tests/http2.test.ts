import { expect, test } from 'vitest';
import { answerOf, CertificateFolder, connectHttp2 } from '../../receive/tests/secure-facade.ts';
import { bodyOf, startOrigin } from '../../tests/origins.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';

test('over HTTP/2 rates, addresses, bodies and heads are limited alike, and trusted proxies believed', async () => {
  const origin = await startOrigin(async (request, response) => {
    const body = await bodyOf(request).catch(() => Buffer.alloc(0));
    response.end(`got ${body.length} for ${request.headers['x-forwarded-for']}`);
  });
  const certificates = await CertificateFolder.make('shop');
  const facade = await startRunningFacade(`version: 1
tls: { certificates: [${certificates.entry('shop')}] }
trustedProxies: [127.0.0.1]
limits: { body: 100B, headers: { size: 2KiB } }
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - { name: limited, match: { path: /limited }, to: origin, rateLimit: { requests: 1, per: 1h } }
  - { name: office, match: { path: /office }, to: origin, addresses: { allow: [203.0.113.0/24] } }
  - { name: rest, match: { path: /* }, to: origin }
`);
  const client = await connectHttp2(facade.tlsPort ?? 0);
  const asked = async (path: string, headers: Record<string, string> = {}, body?: string) => {
    const method = body === undefined ? 'GET' : 'POST';
    const stream = client.request({
      ':authority': 'shop.example',
      ':path': path,
      ':method': method,
      ...headers,
    });
    stream.end(body);
    return answerOf(stream);
  };
  const from = (address: string) => ({ 'x-forwarded-for': address });
  expect((await asked('/', from('6.6.6.6, 192.0.2.9'))).body).toBe('got 0 for 192.0.2.9, 127.0.0.1');
  expect((await asked('/limited', from('192.0.2.9'))).status).toBe(200);
  const refused = await asked('/limited', from('6.6.6.6, 192.0.2.9'));
  expect(refused).toMatchObject({ status: 429, headers: { ratelimit: expect.stringContaining('r=0') } });
  expect((await asked('/limited', from('192.0.2.10'))).status).toBe(200);
  expect((await asked('/office', from('203.0.113.5'))).status).toBe(200);
  expect((await asked('/office', from('203.0.113.5, 192.0.2.9'))).status).toBe(403);
  // Neither body says how long it is.
  expect((await asked('/', {}, 'x'.repeat(100))).body).toContain('got 100');
  expect((await asked('/', {}, 'x'.repeat(101))).status).toBe(413);
  expect((await asked('/', { 'x-long': 'x'.repeat(2048) })).status).toBe(431);
});
