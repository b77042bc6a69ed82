import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runFig } from './fig-process.ts';

// The commands as a user runs them: real processes, in a folder with a routes.yaml.

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fig-'));
  const write = (name: string, text: string) => writeFile(path.join(folder, name), text);
  await write(
    'routes.yaml',
    `version: 1
identity: { secret: "\${IDENTITY_SECRET}" }
backends:
  monolith: { url: "http://127.0.0.1:4000" }
  profile: { url: "http://127.0.0.1:4102", identity: true }
routes:
  - name: profile-read
    match: { path: "/api/profile/:userId", method: GET }
    to: { monolith: 90, profile: 10 }
    sticky: { cookie: uid }
  - { name: everything-else, match: { path: /* }, to: monolith }
`,
  );
  await write(
    'rewritten.yaml',
    `version: 1
allowFaults: true
backends: { old: { url: "http://old" }, new: { url: "http://new" } }
routes:
  - name: items
    match: { path: "/items/:id", method: GET }
    to: old
    force: { header: x-side }
    compare: { with: new, sample: 2.5% }
    faults: { delay: 300ms, abort: 503, percent: 10 }
    rewrite:
      path: /v2/items/:id
      requestHeaders: { set: { x-key: "\${KEY:-hunter2}" }, add: { x-list: a }, remove: [cookie] }
      location: true
      cookieDomain: { old.internal: null, shop.internal: shop.example }
  - { name: rest, match: { path: /* }, to: old }
`,
  );
  await write('bad.yaml', 'version: 1\nbackends: { monolith: { url: "ftp://x" } }\nroute: []\n');
  await write(
    'warned.yaml',
    'version: 1\nbackends: { m: { url: "http://m" } }\nroutes: [{ name: x, match: { path: /x }, to: m }]\n',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs fig in the folder, without the identity secret. */
async function run(...args: string[]) {
  const { code, stdout, stderr } = await runFig(args, { cwd: folder });
  return { code, out: stdout, err: stderr };
}

describe('fig validate', () => {
  test('says what is in a valid file, without the secret', async () => {
    expect(await run('validate')).toEqual({
      code: 0,
      out: 'routes.yaml: 2 routes, 2 backends, valid\n',
      err: '',
    });
  });

  test('warns, and the file stays valid', async () => {
    const { code, out, err } = await run('validate', 'warned.yaml');
    expect({ code, out }).toEqual({ code: 0, out: 'warned.yaml: 1 route, 1 backend, valid\n' });
    expect(err).toMatch(/^warned.yaml: warning: no_catch_all: /);
  });

  test('says everything that is wrong, and exits 2', async () => {
    const { code, out, err } = await run('validate', 'bad.yaml');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.split('\n').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'bad.yaml:1:1: missing_key:',
      'bad.yaml:2:30: bad_url:',
      'bad.yaml:3:1: unknown_key:',
      'bad.yaml: 3',
      '',
    ]);
    expect(await run('validate', 'none.yaml')).toMatchObject({ code: 2, err: /file_not_found/ });
  });

  test('--json', async () => {
    const good = await run('validate', '--json');
    expect(JSON.parse(good.out)).toMatchObject({ valid: true, routes: 2, backends: 2, problems: [] });
    const bad = await run('validate', 'bad.yaml', '--json');
    expect(bad).toMatchObject({ code: 2, err: '' });
    expect(JSON.parse(bad.out)).toMatchObject({
      valid: false,
      problems: [{ code: 'missing_key' }, { code: 'bad_url', line: 2, column: 30 }, { code: 'unknown_key' }],
    });
  });
});

describe('fig explain', () => {
  test("names the backend, the client's place between the weights, and every candidate", async () => {
    const { code, out, err } = await run('explain', 'GET', '/api/profile/1', '--header', 'Cookie: uid=42');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(`GET /api/profile/1 -> monolith (route profile-read)
  weights monolith 90, profile 10; the client stands at 45.0308 %

✓ profile-read (line 7): /api/profile/:userId is more specific than /*: "api" comes before "*"
· everything-else (line 11): matches too, but /api/profile/:userId is more specific than /*: "api" comes before "*"
`);
  });

  test('says what else becomes of the request, without the values of headers', async () => {
    const asked = ['explain', 'GET', '/items/a%2Fb?x=1', '--routes', 'rewritten.yaml'];
    const { out } = await run(...asked);
    expect(out.split('\n\n')[0]).toBe(`GET /items/a%2Fb?x=1 -> old (route items)
  the backend is asked for /v2/items/a%2Fb?x=1
  header x-side could force old or new
  in the headers of the request: sets x-key; adds x-list; removes cookie
  a Location at the backend's own origin points at the client's
  cookies lose their domain old.internal
  cookies of shop.internal go to shop.example
  compared with new: 2.5 % of the requests
  on purpose, 10 % of the requests are delayed by 300 ms and answered 503`);
    const forced = await run(...asked, '--header', 'x-side: new', '--json');
    expect(JSON.parse(forced.out)).toMatchObject({
      backend: 'new',
      forced: true,
      asked: '/v2/items/a%2Fb?x=1',
      notes: expect.arrayContaining(['forced by header x-side']),
    });
    expect((await run('validate', 'rewritten.yaml')).err).toContain('faults_active');
  });

  test('says that a cookie would be issued, and --all lists other paths', async () => {
    expect((await run('explain', 'GET', '/api/profile/1')).out).toContain('no uid cookie');
    expect((await run('explain', 'GET', '/x')).out).toContain(
      'One route has another path; --all lists them.',
    );
    expect((await run('explain', 'GET', '/x', '--all')).out).toContain('✗ profile-read (line 7): path: ');
  });

  test('--json', async () => {
    const { out } = await run('explain', 'PUT', '/api/profile/1', '--json');
    expect(JSON.parse(out)).toMatchObject({
      route: 'everything-else',
      backend: 'monolith',
      candidates: [
        { route: 'profile-read', verdict: 'no_match', reason: 'method: it takes GET, not PUT' },
        { route: 'everything-else', verdict: 'wins' },
      ],
    });
  });

  test('exits 1 where no route matches', async () => {
    const { code, out } = await run('explain', 'GET', '/y', '--routes', 'warned.yaml');
    expect({ code, out }).toMatchObject({ code: 1, out: /no route matches/ });
  });

  test.each([
    [['explain', 'get', '/x'], /capitals: GET/],
    [['explain', 'GET', '/../x'], /`\.\.` element/],
    [['explain', 'GET', '/x', '--header', 'nonsense'], /is not a header/],
  ])('%j is refused with 2', async (args, message) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n\s+at /);
  });
});

test.each([
  [['explain', 'GET', '--bogus'], /unknown option '--bogus'/],
  [['valdate'], /Did you mean validate\?/],
  [[], /Usage: fig/],
])('%j is refused with 2', async (args, message) => {
  const { code, out, err } = await run(...args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(message);
});

test.each([
  [['explain', 'FOO', '/x', '--json'], { code: 'unknown_method', hint: 'Such as GET or POST.' }],
  [['explain', 'GET', '/../x', '--json'], { code: 'path_dot_element' }],
  [['explain', '--json', 'GET'], { code: 'usage', message: "missing required argument 'path'" }],
  [['explain', 'GET', '/x', '--json', '--bogus'], { code: 'usage', message: "unknown option '--bogus'" }],
  [['valdate', '--json'], { code: 'usage' }],
  [['explain', 'GET', '/x', '--routes', 'none.yaml', '--json'], { problems: [{ code: 'file_not_found' }] }],
  [['explain', 'GET', '/x', '--routes', 'bad.yaml', '--json'], { code: 'routes_invalid' }],
  [['serve', '--routes', 'routes.yaml', '--port', 'x', '--json'], { code: 'port_invalid' }],
])('%j is refused with 2, in JSON', async (args, error) => {
  const { code, out, err } = await run(...args);
  expect({ code, err }).toEqual({ code: 2, err: '' });
  expect(out.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(out)).toEqual({ error: expect.objectContaining({ message: expect.any(String) }) });
  expect(JSON.parse(out)).toMatchObject({ error });
});

test('what is asked about is no option: a path --json after --', async () => {
  const { code, out, err } = await run('explain', 'FOO', '--', '--json');
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(/There is no method/);
});

test.each([['explain'], []])('help of %s ends with examples', async (...command) => {
  const { code, out } = await run(...command, '--help');
  expect(code).toBe(0);
  expect(out).toMatch(/\nExamples:\n( {2}fig .*\n)+$/);
});
