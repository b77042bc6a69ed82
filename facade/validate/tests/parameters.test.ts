import { describe, expect, test } from 'vitest';
import { ask, get } from '../../tests/raw-client.ts';
import { documentOf, startValidated } from './validated-route.ts';

const parameter = (place: string, name: string, schema: object, more: object = {}) => ({
  in: place,
  name,
  schema,
  ...more,
});

const shop = documentOf(
  {
    '/items': {
      parameters: [parameter('header', 'X-Tenant', { type: 'string', pattern: '^[a-z]+$' })],
      get: {
        operationId: 'list',
        parameters: [
          parameter('query', 'limit', { type: 'integer', minimum: 1, maximum: 100 }),
          parameter('query', 'tag', { type: 'array', items: { type: 'string', minLength: 2 }, maxItems: 2 }),
          parameter('query', 'ids', { type: 'array', items: { type: 'integer' } }, { explode: false }),
          parameter('query', 'open', { type: 'boolean' }),
          parameter('query', 'sort', { $ref: '#/components/schemas/Sort' }),
          {
            in: 'query',
            name: 'filter',
            content: { 'application/json': { schema: { type: 'object', required: ['a'] } } },
          },
          parameter('cookie', 'theme', { enum: ['dark', 'light'] }),
        ],
      },
    },
    '/items/{id}': {
      get: { parameters: [parameter('path', 'id', { type: 'integer' }, { required: true })] },
      delete: { parameters: [parameter('query', 'reason', { type: 'string' }, { required: true })] },
    },
    '/items/latest': { get: {} },
    '/files/{name}.csv': {
      get: { parameters: [parameter('path', 'name', { type: 'string', maxLength: 3 })] },
    },
  },
  { Sort: { type: 'string', enum: ['price', 'name'] } },
);

describe('a request that fits', () => {
  test.each([
    '/items',
    '/items?limit=5&open=true&sort=name&other=1',
    '/items?tag=ab&tag=cd',
    '/items?ids=1,2,3',
    '/items?filter=%7B%22a%22%3A1%7D',
    '/items/',
    '/ITEMS/7',
    '/items/-7',
    '/items/latest',
    '/files/abc.csv',
  ])('%s is sent on', async (target) => {
    const { facade, origin } = await startValidated(shop);
    expect(await ask(facade.port, get(target, 'X-Tenant: north', 'Cookie: a=1; theme=dark'))).toMatchObject({
      status: 200,
    });
    expect(origin.asked.map(({ url }) => url)).toEqual([target]);
  });

  test('HEAD goes by GET, OPTIONS is not compared', async () => {
    const { facade, origin } = await startValidated(shop);
    expect((await ask(facade.port, get('/items/7').replace('GET', 'HEAD'), 'HEAD')).status).toBe(200);
    expect((await ask(facade.port, get('/items/x').replace('GET', 'HEAD'), 'HEAD')).status).toBe(400);
    expect((await ask(facade.port, get('/nowhere').replace('GET', 'OPTIONS'))).status).toBe(200);
    expect(origin.asked).toHaveLength(2);
  });
});

describe('a request that does not fit', () => {
  test.each<[string, string, string, string, ...string[]]>([
    ['/items?limit=0', 'query', '/limit', 'must be >= 1'],
    ['/items?limit=five', 'query', '/limit', 'must be integer'],
    ['/items?limit=1.5', 'query', '/limit', 'must be integer'],
    ['/items?limit=', 'query', '/limit', 'must be integer'],
    ['/items?limit=5&limit=500', 'query', '/limit', 'must be there only once'],
    ['/items?%6Cimit=0', 'query', '/limit', 'must be >= 1'],
    ['/items?tag=ab&tag=c', 'query', '/tag/1', 'must NOT have fewer than 2 characters'],
    ['/items?ids=1,x', 'query', '/ids/1', 'must be integer'],
    ['/items?limit[]=500', 'query', '/limit', 'must be written without brackets'],
    ['/items?limit%5Ba%5D=500', 'query', '/limit', 'must be written without brackets'],
    ['/items?open=1', 'query', '/open', 'must be boolean'],
    ['/items?sort=secret-value', 'query', '/sort', 'must be equal to one of the allowed values'],
    ['/items?filter=%7B', 'query', '/filter', 'must be JSON'],
    ['/items?filter=%7B%7D', 'query', '/filter', "must have required property 'a'"],
    ['/items', 'header', '/x-tenant', 'must match pattern "^[a-z]+$"', 'X-Tenant: North'],
    [
      '/items',
      'cookie',
      '/theme',
      'must be equal to one of the allowed values',
      'Cookie: theme=secret-value',
    ],
    ['/items/seven', 'path', '/id', 'must be integer'],
    ['/items/%37x', 'path', '/id', 'must be integer'],
    ['/files/abcd.csv', 'path', '/name', 'must NOT have more than 3 characters'],
    ['/nowhere', 'request', '', 'must be one of the operations of the document'],
    ['/items//7', 'request', '', 'must be one of the operations of the document'],
  ])('%s', async (target, place, pointer, message, ...lines) => {
    const { facade, origin } = await startValidated(shop);
    const answer = await ask(facade.port, get(target, ...lines));
    expect(answer.status).toBe(400);
    expect(answer.header('content-type')).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'request_invalid',
      route: 'all',
      errors: [{ in: place, pointer, message }],
    });
    expect(answer.body).not.toContain('secret-value');
    expect(origin.asked).toEqual([]);
  });

  test('everything wrong with its parameters is said at once, and counted', async () => {
    const { facade } = await startValidated(shop);
    const answer = await ask(facade.port, get('/items?limit=0&open=x', 'X-Tenant: 1'));
    expect(JSON.parse(answer.body).errors).toHaveLength(3);
    expect(await facade.metrics()).toContain(
      'strangler_validated_requests_total{route="all",result="invalid"} 1',
    );
    expect((await ask(facade.port, get('/items/7').replace('GET', 'DELETE'))).status).toBe(400);
    expect((await ask(facade.port, get('/items/7').replace('GET', 'PATCH'))).status).toBe(400);
    expect(await facade.metrics()).toContain('result="no_operation"} 1');
  });
});

test('the paths of a document begin with that of its server, and a rewritten path is what counts', async () => {
  const document = {
    ...documentOf({ '/items/{id}': { get: { parameters: [parameter('path', 'id', { type: 'integer' })] } } }),
    servers: [{ url: 'https://shop.example/{base}', variables: { base: { default: 'api' } } }],
  };
  const { facade, origin } = await startValidated(document, { route: ', rewrite: { prefix: /api }' });
  expect((await ask(facade.port, get('/items/7'))).status).toBe(200);
  expect((await ask(facade.port, get('/items/x'))).status).toBe(400);
  expect(origin.asked.map(({ url }) => url)).toEqual(['/api/items/7']);
});

test('operation: … is what every request of a route is taken for', async () => {
  const { facade } = await startValidated(shop, { settings: ', operation: list' });
  expect((await ask(facade.port, get('/legacy.php?limit=5'))).status).toBe(200);
  expect((await ask(facade.port, get('/legacy.php?limit=0'))).status).toBe(400);
});

test('mode: report sends on, counts and logs what must be, not what was sent', async () => {
  const { facade, origin } = await startValidated(shop, { settings: ', mode: report' });
  expect((await ask(facade.port, get('/items?sort=secret-value'))).status).toBe(200);
  expect(origin.asked).toHaveLength(1);
  expect(await facade.metrics()).toContain(
    'strangler_validated_requests_total{route="all",result="invalid"} 1',
  );
  const line = await facade.logged(({ msg }) => msg.includes('does not fit'));
  expect(line).toMatchObject({
    route: 'all',
    mode: 'report',
    wrong: ['query: must be equal to one of the allowed values'],
  });
  expect(JSON.stringify(facade.log)).not.toContain('secret-value');
});
