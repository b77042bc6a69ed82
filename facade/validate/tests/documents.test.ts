import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { startApplication } from '../../embedded/tests/running-application.ts';
import { checkRoutes, parseRoutes } from '../../routes/load.ts';
import { RoutesInvalid } from '../../routes/problem.ts';
import { bodyOf, startOrigin } from '../../tests/origins.ts';
import { ask, get } from '../../tests/raw-client.ts';
import { documentOf, send, startValidated, writeDocument } from './validated-route.ts';

const withLimit = (maximum: number, openapi = '3.1.0') =>
  documentOf(
    {
      '/items': {
        get: {
          operationId: 'listItems',
          parameters: [{ in: 'query', name: 'limit', schema: { type: 'integer', maximum } }],
        },
      },
    },
    {},
    openapi,
  );

const yaml = (file: string, more = '', match = '/items') => `version: 1
backends: { origin: { url: http://127.0.0.1:9 } }
routes:
  - name: items
    match: { path: ${match}, method: GET }
    to: origin
    validate:
      openapi: ${JSON.stringify(file)}
${more}
  - { name: rest, match: { path: /* }, to: origin }
`;

function problemsOf(text: string, file = 'routes.yaml'): string {
  try {
    parseRoutes(text, file, { env: {} });
  } catch (error) {
    if (error instanceof RoutesInvalid) return error.message;
    throw error;
  }
  return '';
}

async function bodySchema(schema: object, openapi = '3.1.0') {
  return writeDocument(
    documentOf(
      { '/items': { get: { requestBody: { content: { 'application/json': { schema } } } } } },
      {},
      openapi,
    ),
  );
}

describe('a document that cannot be used is an error of routes.yaml, at its place', () => {
  test.each<[string, object | string, RegExp]>([
    ['no YAML', 'openapi: [', /it is not YAML/],
    ['no document', { swagger: '2.0' }, /no OpenAPI document of version 3\.0 or 3\.1/],
    ['no paths', { openapi: '3.1.0' }, /has no "paths"/],
    [
      'a reference that leads nowhere',
      documentOf({ '/items': { get: { parameters: [{ $ref: '#/components/parameters/Limit' }] } } }),
      /refers to "#\/components\/parameters\/Limit", which it does not have/,
    ],
    [
      'a reference to elsewhere',
      documentOf({
        '/items': {
          get: {
            parameters: [{ in: 'query', name: 'a', schema: { $ref: 'http://evil.example/schema.json' } }],
          },
        },
      }),
      /which is not in it/,
    ],
    ['references in a circle', documentOf({ '/items': { $ref: '#/paths/~1items' } }), /refers to itself/],
    [
      'a reference to what every object has',
      documentOf({ '/items': { $ref: '#/paths/constructor' } }),
      /does not have/,
    ],
    [
      'a parameter without a place',
      documentOf({ '/items': { get: { parameters: [{ name: 'a' }] } } }),
      /no parameter with a "name" and an "in"/,
    ],
    ['an alias to itself', 'openapi: 3.1.0\npaths: &a { /items: *a }', /it is not YAML/],
    [
      'no end of levels',
      `{ openapi: 3.1.0, paths: ${'{ a: '.repeat(20_000)}1${'}'.repeat(20_000)} }`,
      /levels|not YAML/,
    ],
    [
      'many aliases',
      `a: &a [${'1,'.repeat(50)}1]\nb: &b [${'*a,'.repeat(50)}*a]\nc: &c [${'*b,'.repeat(50)}*b]\nopenapi: 3.1.0\npaths: { x: [${'*c,'.repeat(50)}*c] }`,
      /it is not YAML/,
    ],
  ])('%s', async (_, document, message) => {
    const file = await writeDocument(document);
    const problems = problemsOf(yaml(file));
    expect(problems).toMatch(/^routes\.yaml:8:16: bad_openapi: /);
    expect(problems).toMatch(message);
  });

  test.each<[string, object, RegExp]>([
    ['what is no schema', { type: 'text' }, /application~1json\/schema\/type is no schema/],
    ['a look-around', { type: 'string', pattern: '^(?=a)b' }, /pattern .* cannot be used .*look-arounds/],
    ['a pattern that is none', { type: 'string', pattern: '(' }, /pattern/],
  ])('%s', async (_, schema, message) => {
    expect(problemsOf(yaml(await bodySchema(schema)))).toMatch(message);
  });

  test('no such file, which is named as it stands there', async () => {
    expect(problemsOf(yaml('./nowhere.yaml'))).toMatch(
      /bad_openapi: nowhere\.yaml cannot be used for route "items": there is no such file\./,
    );
  });

  test('an operation that it does not have', async () => {
    const file = await writeDocument(withLimit(10));
    const problems = problemsOf(yaml(file, '      operation: listItem'));
    expect(problems).toMatch(
      /^routes\.yaml:9:18: unknown_operation: There is no operation "listItem" in .*\. Did you mean "listItems"\?/,
    );
    expect(problemsOf(yaml(file, '      operation: listItems'))).toBe('');
  });
});

test('a route that asks for nothing of the document is a warning', async () => {
  const file = await writeDocument(withLimit(10), 'shop.json');
  const folder = path.dirname(file);
  const routes = path.join(folder, 'routes.yaml');
  await writeFile(routes, yaml('./shop.json', '', '/orders/:id'));
  const { warnings } = await checkRoutes(routes, { env: {} });
  expect(warnings.map(({ code }) => code)).toEqual(['validate_no_operation']);
  for (const match of ['/items', '/*', '/:any', '/items/*']) {
    await writeFile(routes, yaml('./shop.json', '', match));
    expect((await checkRoutes(routes, { env: {} })).warnings, match).toEqual([]);
  }
});

test('schemas of OpenAPI 3.0 mean what they mean there', async () => {
  const schema = {
    type: 'object',
    properties: {
      price: { type: 'number', minimum: 0, exclusiveMinimum: true },
      note: { type: 'string', nullable: true, enum: ['a', 'b'] },
      item: { $ref: '#/components/schemas/Item', description: 'ignored', maxLength: 1 },
    },
  };
  const document = documentOf(
    { '/items': { post: { requestBody: { content: { 'application/json': { schema } } } } } },
    { Item: { type: 'string', example: 'x' } },
    '3.0.3',
  );
  const { facade } = await startValidated(document);
  const status = async (body: object) =>
    (await ask(facade.port, send('POST', '/items', JSON.stringify(body)))).status;
  expect(await status({ price: 0.1, note: null, item: 'long' })).toBe(200);
  expect(await status({ price: 0 })).toBe(400);
  expect(await status({ note: 'c' })).toBe(400);
  expect(await status({ item: null })).toBe(400);
});

describe('an edit of the document', () => {
  const limit = async (port: number, value: number) => (await ask(port, get(`/items?limit=${value}`))).status;

  test('is followed like one of routes.yaml; a bad one changes nothing', async () => {
    const { facade, file, rewrite } = await startValidated(withLimit(10));
    expect(await limit(facade.port, 50)).toBe(400);
    await rewrite(withLimit(100));
    await expect.poll(() => limit(facade.port, 50)).toBe(200);
    await writeFile(file, 'openapi: [');
    expect(await facade.logged(({ code }) => code === 'routes_invalid')).toMatchObject({
      problems: expect.stringContaining('bad_openapi'),
    });
    expect(await limit(facade.port, 50)).toBe(200);
    await writeFile(`${file}.new`, stringify(withLimit(20)));
    await rename(`${file}.new`, file);
    await expect.poll(() => limit(facade.port, 50)).toBe(400);
  });

  test('a document that comes after the route that names it', async () => {
    const { facade, file } = await startValidated(withLimit(10));
    const other = path.join(path.dirname(file), 'other.yaml');
    const routes = (name: string) => facade.replaceRoutes(yamlOf(facade.routesFile, name));
    await routes(other);
    await facade.logged(({ code }) => code === 'routes_invalid');
    await writeFile(other, stringify(withLimit(100)));
    await expect.poll(() => limit(facade.port, 50)).toBe(200);
    await rm(file);
    expect(await limit(facade.port, 50)).toBe(200);
  });

  function yamlOf(routesFile: string, openapi: string): string {
    const { readFileSync } = process.getBuiltinModule('node:fs');
    const table = parse(readFileSync(routesFile, 'utf8'));
    table.routes[0].validate.openapi = openapi;
    return stringify(table);
  }
});

test("embedded: what goes to services is compared, parsed bodies too, and falls back whole; the application's own is not", async () => {
  const bodies: string[] = [];
  const origin = await startOrigin(async (request, response) => {
    bodies.push(String(await bodyOf(request)));
    response.end('service');
  });
  const schema = { type: 'object', required: ['a'] };
  const file = await writeDocument(
    documentOf({ '/{any}': { post: { requestBody: { content: { 'application/json': { schema } } } } } }),
  );
  const validate = `validate: { openapi: "${file}" }`;
  const routes = `version: 1
backends: { monolith: { url: http://127.0.0.1:9 }, service: { url: "http://127.0.0.1:${origin.port}" }, down: { url: http://127.0.0.1:9 } }
routes:
  - { name: moved, match: { path: /moved }, to: service, ${validate} }
  - { name: down, match: { path: /down }, to: down, ${validate} }
  - { name: own, match: { path: /own }, to: monolith, ${validate} }
`;
  const { default: express } = await import('express');
  const { port } = await startApplication(routes, {
    build(app, strangled) {
      app.use('/moved', (request, response, next) => {
        if (request.headers['x-parse'] === undefined) next();
        else express.json()(request, response, next);
      });
      app.use(strangled);
      app.use(express.json(), (request, response) => void response.json({ own: request.body }));
    },
  });
  const post = (target: string, body: string, ...lines: string[]) =>
    ask(port, send('POST', target, body, ...lines));
  expect(await post('/moved', '{"a": 1}')).toMatchObject({ status: 200, body: 'service' });
  expect((await post('/moved', '{}')).status).toBe(400);
  expect((await post('/moved', '{"a":2}', 'X-Parse: 1')).body).toBe('service');
  expect((await post('/moved', '{}', 'X-Parse: 1')).status).toBe(400);
  expect(bodies).toEqual(['{"a": 1}', '{"a":2}']);
  expect(await post('/own', '{}')).toMatchObject({ status: 200, body: '{"own":{}}' });
  expect(await post('/down', '{"a":3}')).toMatchObject({ status: 200, body: '{"own":{"a":3}}' });
});
