import { expect, test } from 'vitest';
import { startApplication } from '../../embedded/tests/running-application.ts';
import { startOrigin } from '../../tests/origins.ts';
import { ask, get } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';

async function sides() {
  const headers = { 'cache-control': 'public, max-age=60' };
  const start = (name: string) =>
    startOrigin((request, response) => {
      request.resume();
      response.writeHead(200, headers).end(`${name} ${request.url}`);
    });
  return { old: await start('old'), young: await start('young') };
}

const yaml = (ports: { old: number; young: number }, route: string) => `version: 1
servedBy: true
backends:
  old: { url: "http://127.0.0.1:${ports.old}" }
  young: { url: "http://127.0.0.1:${ports.young}" }
routes:
  - { name: items, match: { path: /*, method: GET }, cache: {}, ${route} }
`;

test('a cutover serves nothing of the old side, and a rollback nothing of the new', async () => {
  const { old, young } = await sides();
  const ports = { old: old.port, young: young.port };
  const facade = await startRunningFacade(yaml(ports, 'to: old'));
  await ask(facade.port, get('/a'));
  const hit = await ask(facade.port, get('/a'));
  expect(hit.header('cache-status')).toMatch(/hit/);
  expect(hit.header('x-served-by')).toBe('old');
  const loads = async (count: number) =>
    expect
      .poll(async () => facade.metrics())
      .toContain(`strangler_route_table_loads_total{result="valid"} ${count}`);
  await facade.replaceRoutes(yaml(ports, 'to: young'));
  await loads(1);
  const after = await ask(facade.port, get('/a'));
  expect(after.body).toBe('young /a');
  expect(after.header('x-served-by')).toBe('young');
  await facade.replaceRoutes(yaml(ports, 'to: old, rewrite: { prefix: /v2 }'));
  await loads(2);
  expect((await ask(facade.port, get('/a'))).body).toBe('old /v2/a');
});

test('weights and force decide first; each side has its own answers, and cookies are per client', async () => {
  const { old, young } = await sides();
  const ports = { old: old.port, young: young.port };
  const facade = await startRunningFacade(yaml(ports, 'to: { old: 1, young: 1 }, force: { header: x-side }'));
  for (let round = 0; round < 2; round++) {
    for (const side of ['old', 'young']) {
      expect((await ask(facade.port, get('/a', `X-Side: ${side}`))).body).toBe(`${side} /a`);
    }
  }
  expect([old.asked.length, young.asked.length]).toEqual([1, 1]);
  const cookies = new Set<string | undefined>();
  for (let client = 0; client < 3; client++) {
    const answer = await ask(facade.port, get('/a'));
    expect(answer.header('cache-status')).toMatch(/hit/);
    cookies.add(answer.header('set-cookie'));
  }
  expect(cookies.size).toBe(3);
  expect(cookies.has(undefined)).toBe(false);
});

test('an answer of the fallback is not kept for the backend that failed', async () => {
  const { young } = await sides();
  let up = false;
  const old = await startOrigin((_, response) => {
    if (up) response.writeHead(200, { 'cache-control': 'max-age=60' }).end('old');
    else response.writeHead(503).end();
  });
  const facade = await startRunningFacade(
    yaml({ old: old.port, young: young.port }, 'to: old, fallback: young'),
  );
  expect((await ask(facade.port, get('/a'))).body).toBe('young /a');
  up = true;
  expect((await ask(facade.port, get('/a'))).body).toBe('old');
});

test('what a fallback says of what the client has is for the client, not for what is kept', async () => {
  let up = true;
  const old = await startOrigin((_, response) => {
    if (up) response.writeHead(200, { age: '100', 'cache-control': 'max-age=60', etag: '"old"' }).end('old');
    else response.writeHead(503).end();
  });
  const young = await startOrigin((_, response) => void response.writeHead(304, { etag: '"young"' }).end());
  const facade = await startRunningFacade(
    yaml({ old: old.port, young: young.port }, 'to: old, fallback: young'),
  );
  await ask(facade.port, get('/a'));
  up = false;
  const answer = await ask(facade.port, get('/a', 'If-None-Match: "young"'));
  expect(answer.status).toBe(304);
  expect(answer.header('etag')).toBe('"young"');
  expect(answer.header('cache-status')).toBeUndefined();
  expect(old.asked[1]?.headers['if-none-match']).toBe('"old"');
  expect(young.asked[0]?.headers['if-none-match']).toBe('"young"');
  expect([old.asked.length, young.asked.length]).toEqual([2, 1]);
});

test('an answer out of memory is not compared', async () => {
  const { old, young } = await sides();
  const facade = await startRunningFacade(
    yaml({ old: old.port, young: young.port }, 'to: old, compare: young'),
  );
  await ask(facade.port, get('/a'));
  await facade.comparisonsSettled();
  expect(young.asked).toHaveLength(1);
  await ask(facade.port, get('/a'));
  await facade.comparisonsSettled();
  expect(young.asked).toHaveLength(1);
});

test('hosts do not share answers, nor does what is added for one client stay', async () => {
  const origin = await startOrigin(({ headers }, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end(headers.host);
  });
  const facade = await startRunningFacade(`version: 1
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - { name: all, match: { path: /*, method: GET }, to: origin, cache: {}, cors: { origins: ["https://a.example", "https://b.example"] } }
`);
  expect((await ask(facade.port, get('/a'))).body).toBe('shop.example');
  expect((await ask(facade.port, 'GET /a HTTP/1.1\r\nHost: Other.example\r\n\r\n')).body).toBe(
    'Other.example',
  );
  for (const from of ['https://a.example', 'https://b.example', 'https://c.example']) {
    const answer = await ask(facade.port, get('/a', `Origin: ${from}`));
    expect(answer.header('cache-status')).toMatch(/hit/);
    expect(answer.header('access-control-allow-origin')).toBe(from.includes('c.') ? undefined : from);
    expect(answer.header('vary')).toBe('Origin');
  }
  expect(origin.asked).toHaveLength(2);
});

test("embedded: a service's answers are kept, the application's own are not, and its writes drop them", async () => {
  const { old, young } = await sides();
  const { port } = await startApplication(
    `version: 1
backends: { monolith: { url: "http://127.0.0.1:${old.port}" }, young: { url: "http://127.0.0.1:${young.port}" } }
routes:
  - { name: moved, match: { path: /moved/*, method: GET }, to: young, cache: {} }
  - { name: own, match: { path: /own, method: GET }, to: monolith, cache: {} }
  - { name: rest, match: { path: /* }, to: monolith }
`,
    {
      build(app, strangled) {
        let count = 0;
        app.use(strangled);
        app.use((_, response) => void response.set('Cache-Control', 'max-age=60').send(`own ${++count}`));
      },
    },
  );
  await ask(port, get('/moved/a'));
  const hit = await ask(port, get('/moved/a'));
  expect(hit.body).toBe('young /moved/a');
  expect(hit.header('cache-status')).toMatch(/hit/);
  await ask(port, get('/own'));
  expect((await ask(port, get('/own'))).body).toBe('own 2');
  await ask(port, 'DELETE /moved/a HTTP/1.1\r\nHost: shop.example\r\n\r\n');
  expect((await ask(port, get('/moved/a'))).header('cache-status')).toMatch(/miss/);
  expect(young.asked).toHaveLength(2);
});
