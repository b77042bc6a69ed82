import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import Type from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownIdentity } from '../identity.ts';
import { ProblemError } from '../problem.ts';
import { buildService, type Service } from '../service.ts';
import { callerOf } from '../testing/caller.ts';
import { testSecret } from '../testing/service-process.ts';

let app: Service;
let call: ReturnType<typeof callerOf>;
const broken = { check: async () => {} };

beforeAll(async () => {
  app = await buildService({
    name: 'kit',
    description: 'Under test.',
    identity: { keys: { secret: testSecret }, audience: 'kit', issuers: ['facade'] },
    checks: { store: () => broken.check(), neighbour: async () => {} },
  });
  app.post('/api/v2/things/:id', { schema }, async (request) => ({
    id: request.params.id,
    name: request.body.name,
    limit: request.query.limit ?? null,
    userId: request.caller.userId ?? null,
    role: request.caller.role ?? null,
    traceparent: request.traceparent,
  }));
  app.get('/api/v2/refused', async () => {
    throw new ProblemError('no_luck', {
      status: 409,
      detail: 'No.',
      hint: 'Try.',
      members: { remaining: 3 },
    });
  });
  app.get('/api/v2/broken', async () => {
    throw new Error('a secret detail');
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  call = callerOf({ url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` }, 'kit');
});

afterAll(() => app.close());

const schema = {
  params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
  querystring: Type.Object({ limit: Type.Optional(Type.Integer({ maximum: 100 })) }),
  body: Type.Object({ name: Type.String({ maxLength: 10 }) }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      id: Type.Integer(),
      name: Type.String(),
      limit: Type.Union([Type.Integer(), Type.Null()]),
      userId: Type.Union([Type.Integer(), Type.Null()]),
      role: Type.Union([Type.String(), Type.Null()]),
      traceparent: Type.String(),
    }),
  },
};

describe('identity', () => {
  test('a valid token says who calls', async () => {
    const reply = await call('POST', '/api/v2/things/1', {
      as: { userId: 12, role: 'admin' },
      json: { name: 'x' },
    });
    expect(reply.json).toMatchObject({ id: 1, userId: 12, role: 'admin' });
  });

  test('an anonymous visitor is somebody too', async () => {
    const reply = await call('POST', '/api/v2/things/1', { json: { name: 'x' } });
    expect(reply.json).toMatchObject({ userId: null, role: null });
  });

  test('without a token nothing is answered, known path or not', async () => {
    for (const path of ['/api/v2/refused', '/api/v2/unknown', '/', '/livez/..']) {
      const reply = await call('GET', path, { as: null });
      expect([reply.status, reply.json.code]).toEqual([401, 'identity_required']);
      expect(reply.headers.get('content-type')).toContain('application/problem+json');
    }
  });

  test('the body of a stranger is not read', async () => {
    const reply = await call('POST', '/api/v2/things/1', {
      as: null,
      headers: { 'content-type': 'application/json' },
      body: '{"malformed',
    });
    expect(reply.json.code).toBe('identity_required');
  });

  test('health and OpenAPI are open', async () => {
    for (const path of ['/livez', '/readyz', '/openapi.json']) {
      expect((await call('GET', path, { as: null })).status).toBe(200);
    }
  });

  const key = new TextEncoder().encode(testSecret);
  const token = (change: (jwt: SignJWT) => SignJWT, header: object = {}, signer: Uint8Array = key) =>
    change(
      new SignJWT({ role: 'customer' })
        .setProtectedHeader({ alg: 'HS256', typ: 'strangler-identity+jwt', ...header })
        .setIssuer('facade')
        .setAudience('kit')
        .setSubject('1')
        .setIssuedAt()
        .setExpirationTime('60s'),
    ).sign(signer);
  const unsigned = (payload: object) =>
    `${[{ alg: 'none', typ: 'strangler-identity+jwt' }, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')}.`;
  const now = Math.floor(Date.now() / 1000);
  const bad: [string, () => Promise<string> | string][] = [
    ['no JWT', () => 'hello'],
    ['another secret', () => token((jwt) => jwt, {}, new TextEncoder().encode('y'.repeat(40)))],
    ['expired', () => token((jwt) => jwt.setIssuedAt(now - 100).setExpirationTime(now - 40))],
    ['too long a life', () => token((jwt) => jwt.setIssuedAt(now - 3600).setExpirationTime(now + 3600))],
    ['another audience', () => token((jwt) => jwt.setAudience('booking'))],
    ['another issuer', () => token((jwt) => jwt.setIssuer('booking'))],
    ['another type', () => token((jwt) => jwt, { typ: 'JWT' })],
    ['another algorithm', () => token((jwt) => jwt, { alg: 'HS384' })],
    ['no algorithm', () => unsigned({ iss: 'facade', aud: 'kit', iat: now, exp: now + 60, sub: '1' })],
    ['a subject that is no id', () => token((jwt) => jwt.setSubject('1; drop'))],
  ];
  test.each(bad)('refused: %s', async (_name, make) => {
    const reply = await call('GET', '/api/v2/refused', { headers: { 'x-strangler-identity': await make() } });
    expect([reply.status, reply.json.code]).toEqual([401, 'identity_invalid']);
  });

  test("a service's own token is kept, and it is one", async () => {
    const own = ownIdentity({ issuer: 'facade', audience: 'kit' }, { secret: testSecret });
    const first = await own();
    expect(await own()).toBe(first);
    const reply = await call('GET', '/api/v2/refused', { headers: { 'x-strangler-identity': first } });
    expect(reply.status).toBe(409);
  });
});

describe('bad input', () => {
  const json = { 'content-type': 'application/json' };
  const cases: [string, string, Parameters<typeof call>[2], number, string, string?][] = [
    ['malformed JSON', '/api/v2/things/1', { headers: json, body: '{"name":' }, 400, 'malformed_json'],
    ['empty JSON', '/api/v2/things/1', { headers: json, body: '' }, 400, 'malformed_json'],
    ['__proto__', '/api/v2/things/1', { headers: json, body: '{"__proto__":{}}' }, 400, 'malformed_json'],
    ['no body', '/api/v2/things/1', {}, 400, 'invalid_input', ''],
    ['another content type', '/api/v2/things/1', { form: { name: 'x' } }, 415, 'unsupported_media_type'],
    ['a huge body', '/api/v2/things/1', { json: { name: 'x'.repeat(200_000) } }, 413, 'payload_too_large'],
    ['a missing field', '/api/v2/things/1', { json: {} }, 400, 'invalid_input', 'name'],
    ['a wrong type', '/api/v2/things/1', { json: { name: 5 } }, 400, 'invalid_input', 'name'],
    ['a long value', '/api/v2/things/1', { json: { name: 'x'.repeat(11) } }, 400, 'invalid_input', 'name'],
    ['an unknown field', '/api/v2/things/1', { json: { name: 'x', b: 1 } }, 400, 'invalid_input', 'b'],
    ['a wrong parameter', '/api/v2/things/1x', { json: { name: 'x' } }, 400, 'invalid_input', 'id'],
    ['a fraction', '/api/v2/things/1.5', { json: { name: 'x' } }, 400, 'invalid_input', 'id'],
    ['a wrong query', '/api/v2/things/1?limit=101', { json: { name: 'x' } }, 400, 'invalid_input', 'limit'],
    [
      'a query twice',
      '/api/v2/things/1?limit=1&limit=2',
      { json: { name: 'x' } },
      400,
      'invalid_input',
      'limit',
    ],
    ['a broken path', '/api/v2/things/%zz', { json: { name: 'x' } }, 400, 'invalid_url'],
    ['an unknown path', '/api/v2/nothing', {}, 404, 'not_found'],
  ];
  test.each(cases)('%s', async (_name, path, options, status, code, field) => {
    const reply = await call('POST', path, options);
    expect([reply.status, reply.json?.code]).toEqual([status, code]);
    expect(reply.json.field).toBe(field);
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
  });

  test('a refusal keeps its code, hint and members; an error inside keeps its reason to itself', async () => {
    expect((await call('GET', '/api/v2/refused')).json).toEqual({
      type: 'about:blank',
      title: 'no luck',
      status: 409,
      code: 'no_luck',
      detail: 'No.',
      hint: 'Try.',
      remaining: 3,
    });
    const reply = await call('GET', '/api/v2/broken');
    expect([reply.status, reply.json.code]).toEqual([500, 'internal_error']);
    expect(reply.text).not.toContain('secret detail');
  });

  test('a header too large is refused by the server', async () => {
    expect((await call('GET', '/api/v2/refused', { headers: { 'x-much': 'x'.repeat(40_000) } })).status).toBe(
      431,
    );
  });
});

describe('tracing', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';

  test('goes on with the sender’s trace, as a span of its own', async () => {
    const sent = `00-${trace}-b7ad6b7169203331-00`;
    const reply = await call('POST', '/api/v2/things/1', {
      headers: { traceparent: sent },
      json: { name: 'x' },
    });
    expect(reply.json.traceparent).toMatch(new RegExp(`^00-${trace}-(?!b7ad6b7169203331)[0-9a-f]{16}-00$`));
  });

  test.each(['nonsense', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, ''])(
    'starts one for %j',
    async (sent) => {
      const reply = await call('POST', '/api/v2/things/1', {
        headers: { traceparent: sent },
        json: { name: 'x' },
      });
      expect(reply.json.traceparent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    },
  );
});

describe('readiness', () => {
  test('names the check that fails, also one that never answers', async () => {
    broken.check = async () => {
      throw new Error('gone');
    };
    const failed = await call('GET', '/readyz', { as: null });
    expect([failed.status, failed.json]).toEqual([503, { status: 'unavailable', failing: ['store'] }]);
    broken.check = () => new Promise(() => {});
    expect((await call('GET', '/readyz', { as: null })).json.failing).toEqual(['store']);
    broken.check = async () => {};
    expect((await call('GET', '/readyz', { as: null })).json).toEqual({ status: 'ready', failing: [] });
    expect((await call('GET', '/livez', { as: null })).json).toEqual({ status: 'ok' });
  });
});
