import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routesJsonSchema } from '../json-schema.ts';
import { checkRoutes, loadRoutes, parseRoutes } from '../load.ts';
import { RoutesInvalid } from '../problem.ts';

const root = path.join(import.meta.dirname, '..', '..', '..');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'routes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The codes of a file's problems. */
function codes(text: string, env = {}): string[] {
  try {
    parseRoutes(text, 'routes.yaml', { env });
  } catch (error) {
    if (error instanceof RoutesInvalid) return error.problems.map(({ code }) => code);
    throw error;
  }
  return [];
}

describe('the shipped routes.yaml', () => {
  const file = path.join(root, 'routes.yaml');

  test('starts with every route on the monolith', async () => {
    const { table, warnings } = await checkRoutes(file, { env: {}, secrets: 'optional' });
    expect(warnings).toEqual([]);
    expect(table.servedBy).toBe(true);
    expect(new Set(table.routes.flatMap(({ shares }) => shares.map(({ backend }) => backend)))).toEqual(
      new Set(['monolith']),
    );
    expect(table.identity).toEqual({
      signing: { by: 'keys', file: path.join(root, '.data', 'identity-keys.json') },
      jwt: undefined,
      session: { cookie: 'ticketnow.sid', backend: 'monolith', path: '/api/me', cache: 5000 },
    });
    expect(table.backends.get('inventory')).toMatchObject({
      name: 'inventory',
      url: 'http://127.0.0.1:4101',
      health: '/readyz',
      timeouts: { connect: 500, request: 5000, idle: 60_000 },
      identity: true,
      host: 'preserve',
    });
  });

  test('takes its urls and the file of its keys from the environment', async () => {
    const env = {
      INVENTORY_URL: 'https://stock.internal/',
      IDENTITY_KEYS_FILE: '/keys/identity-keys.json',
      PROFILE_URL: '',
    };
    const table = await loadRoutes(file, { env });
    expect(table.backends.get('inventory')?.url).toBe('https://stock.internal');
    expect(table.backends.get('profile')?.url).toBe('http://127.0.0.1:4102');
    expect(table.identity?.signing).toEqual({ by: 'keys', file: '/keys/identity-keys.json' });
  });
});

test('the JSON Schema for editors is what the schema says', async () => {
  // After a change of schema.ts: node facade/routes/write-schema.ts
  expect(await readFile(path.join(root, 'facade', 'routes.schema.json'), 'utf8')).toBe(routesJsonSchema());
});

const small = (more = '', head = '') => `version: 1
${head}
backends:
  monolith: { url: "http://127.0.0.1:4000" }
routes:
  - { name: everything-else, match: { path: "/*" }, to: monolith ${more} }
`;

test('what the file does not say', () => {
  const table = parseRoutes(small(), 'routes.yaml');
  expect(table.backends.get('monolith')).toEqual({
    name: 'monolith',
    url: 'http://127.0.0.1:4000',
    urls: ['http://127.0.0.1:4000'],
    balance: 'round-robin',
    health: undefined,
    healthChecks: undefined,
    ejection: { failures: 5, for: 30_000 },
    retries: undefined,
    breaker: { failures: 5, within: 30_000, coolDown: 30_000, successes: 3 },
    bulkhead: { requests: 1024, queue: 256, wait: 500 },
    timeouts: { connect: 1000, request: 30_000, idle: 60_000 },
    identity: false,
    host: 'preserve',
  });
  expect(table).toMatchObject({
    file: 'routes.yaml',
    servedBy: false,
    mostRequests: 10_000,
    identity: undefined,
  });
  expect(table.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(table.routes[0]).toMatchObject({ writes: true, group: undefined, at: { line: 6, column: 5 } });
  expect(Object.isFrozen(table) && Object.isFrozen(table.routes) && Object.isFrozen(table.routes[0])).toBe(
    true,
  );
});

test.each([
  ['method: GET', false],
  ['method: [GET, HEAD, OPTIONS]', false],
  ['method: [GET, POST]', true],
  ['method: DELETE', true],
])('%s counts as writing: %s, unless the route says otherwise', (method, writes) => {
  const route = (more: string) =>
    parseRoutes(
      small().replace('path: "/*"', `path: "/*", ${method}`).replace('to: monolith', `to: monolith ${more}`),
      'f',
    ).routes[0];
  expect(route('')?.writes).toBe(writes);
  expect(route(', writes: false')?.writes).toBe(false);
  expect(route(', writes: true')?.writes).toBe(true);
});

test('variables stand for true, false and numbers too; a doubled $ is a plain one', () => {
  const text = `version: 1
servedBy: \${SERVED_BY:-true}
backends:
  monolith: { url: "\${URL}" }
  other: { url: "http://other" }
routes:
  - name: x
    match: { path: /*, method: GET, headers: { price: "$\${5}" } }
    to: { monolith: "\${MONOLITH_WEIGHT}", other: 10 }
`;
  const table = parseRoutes(text, 'f', { env: { URL: 'http://m:1', MONOLITH_WEIGHT: '90' } });
  expect(table.servedBy).toBe(true);
  expect(table.routes[0]?.shares).toEqual([
    { backend: 'monolith', weight: 90 },
    { backend: 'other', weight: 10 },
  ]);
  expect(table.routes[0]?.match.headers).toEqual([{ name: 'price', value: `\${5}` }]);
});

describe('the secret', () => {
  const identity = (secret: string) => small('', `identity: { secret: "${secret}" }`);
  const needed = (secret: string) => identity(secret).replace(':4000"', ':4000", identity: true');

  test('is asked for only where something is signed with it', () => {
    expect(codes(identity(`\${S}`))).toEqual([]);
    expect(codes(identity(`\${S}`), { S: 'short' })).toEqual([]);
    expect(codes(needed(`\${S}`))).toEqual(['variable_not_set']);
    expect(codes(needed(`\${S}`), { S: 'short' })).toEqual(['secret_too_short']);
    expect(codes(needed(`\${S}`), { S: 'x'.repeat(32) })).toEqual([]);
  });

  test('has no default in the file', () => {
    expect(codes(identity(`\${S:-a-default-of-more-than-32-characters}`))).toEqual(['secret_in_file']);
  });

  test('is never shown', () => {
    expect.assertions(1);
    try {
      parseRoutes(needed(`\${S}`), 'f', { env: { S: 'hunter2' } });
    } catch (error) {
      expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
    }
  });
});

describe('a file that cannot be read', () => {
  const load = (name: string) => loadRoutes(path.join(folder, name));

  test('is missing, a folder, too large, or not text', async () => {
    await writeFile(path.join(folder, 'large.yaml'), `${small()}#${'x'.repeat(1024 * 1024)}`);
    await writeFile(path.join(folder, 'binary.yaml'), Buffer.from([0x76, 0xff, 0xfe, 0x00]));
    await expect(load('missing.yaml')).rejects.toThrow(/missing.yaml: file_not_found: There is no such file/);
    await expect(load('large.yaml/x')).rejects.toThrow(/file_not_found/);
    await expect(load('.')).rejects.toThrow(/file_unreadable: This is a folder/);
    await expect(load('large.yaml')).rejects.toThrow(/file_too_large: The file has more than 1048576 bytes/);
    await expect(load('binary.yaml')).rejects.toThrow(/not_utf8/);
  });

  test('is a Failure of code routes_invalid that ends a process with 2', async () => {
    await expect(load('missing.yaml')).rejects.toMatchObject({ code: 'routes_invalid', exitCode: 2 });
  });
});

test('a byte order mark and Windows line ends are no obstacle', () => {
  expect(codes(`\uFEFF${small().replaceAll('\n', '\r\n')}`)).toEqual([]);
});

test('warnings: no catch-all, sticky without weights', async () => {
  const file = path.join(folder, 'warned.yaml');
  await writeFile(file, small(', sticky: address').replace('/*', '/x'));
  const { warnings } = await checkRoutes(file);
  expect(warnings.map(({ code, at }) => [code, at?.line])).toEqual([
    ['no_catch_all', undefined],
    ['sticky_without_weights', 6],
  ]);
});
