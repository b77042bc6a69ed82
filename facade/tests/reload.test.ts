import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { startOrigin } from './origins.ts';
import { get, RawClient } from './raw-client.ts';
import { type RunningFacade, startRunningFacade } from './running-facade.ts';

async function startTwoSides() {
  const [legacy, service] = await Promise.all(
    ['legacy', 'service'].map((name) => startOrigin((_, response) => response.end(name))),
  );
  const routes = (to: string, more = '') => `version: 1
servedBy: true
backends:
  legacy: { url: http://127.0.0.1:${legacy?.port} }
  service: { url: http://127.0.0.1:${service?.port} }
routes:
  - { name: all, match: { path: /* }, to: ${to} }
${more}`;
  const facade = await startRunningFacade(routes('legacy'));
  return { facade, routes };
}

/** Sends GETs on several connections until it is stopped, and gives what each connection was answered, in order. */
function traffic(facade: RunningFacade, connections = 8) {
  let stopped = false;
  const bodies: string[][] = [];
  const run = async () => {
    const client = await RawClient.connect(facade.port);
    const own: string[] = [];
    bodies.push(own);
    while (!stopped) {
      const answer = await client.send(get('/')).answer();
      expect(answer.status).toBe(200);
      expect(answer.header('x-served-by')).toBe(answer.body);
      own.push(answer.body);
    }
  };
  const running = Promise.all(Array.from({ length: connections }, run));
  return {
    /** Waits until every connection's last answer is this one. */
    seen: (body: string) =>
      expect
        .poll(() => bodies.filter((own) => own.at(-1) === body).length, { timeout: 5_000 })
        .toBe(connections),
    async stop() {
      stopped = true;
      await running;
      return bodies;
    },
  };
}

/** How often the answer changes from one request of a connection to the next. */
const flips = (bodies: readonly string[]) =>
  bodies.filter((body, index) => index > 0 && body !== bodies[index - 1]).length;

describe('an edit takes effect at once, on every connection, without a failed request', () => {
  test.each([
    ['renamed over', (facade: RunningFacade, text: string) => facade.replaceRoutes(text)],
    ['written in place', (facade: RunningFacade, text: string) => writeFile(facade.routesFile, text)],
  ])('%s', async (_, edit) => {
    const { facade, routes } = await startTwoSides();
    const load = traffic(facade);
    await load.seen('legacy');
    await edit(facade, routes('service'));
    await load.seen('service');
    await edit(facade, routes('legacy'));
    await load.seen('legacy');
    const bodies = await load.stop();
    expect(bodies.map(flips)).toEqual(bodies.map(() => 2));
    // A file that is written in place is empty for a moment. That is no edit, and nothing to alarm anybody with.
    expect(facade.log.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  test('ten edits in a row', async () => {
    const { facade, routes } = await startTwoSides();
    const load = traffic(facade);
    for (let edit = 0; edit < 10; edit++) {
      const to = edit % 2 === 0 ? 'service' : 'legacy';
      await facade.replaceRoutes(routes(to, `# ${edit}\n`));
      await load.seen(to);
    }
    const bodies = await load.stop();
    expect(bodies.map(flips)).toEqual(bodies.map(() => 10));
  });
});

test('a request in flight stays on the table that it began with, while its backend is dropped', async () => {
  const { promise, resolve: finish } = Promise.withResolvers<void>();
  const old = await startOrigin((_, response) => {
    response.write('begun ');
    void promise.then(() => response.end('finished'));
  });
  const next = await startOrigin((_, response) => response.end('next'));
  const routes = (port: number) => `version: 1
backends: { app: { url: http://127.0.0.1:${port} } }
routes: [{ name: all, match: { path: /* }, to: app }]
`;
  const facade = await startRunningFacade(routes(old.port));
  const client = (await RawClient.connect(facade.port)).send(get('/'));
  await client.until('begun');
  await facade.replaceRoutes(routes(next.port));
  await facade.logged((line) => line.msg.includes('in force'));
  finish();
  expect((await client.answer()).body).toBe('begun finished');
  expect((await client.send(get('/')).answer()).body).toBe('next');
});

test('a bad edit changes nothing but what is said of it, and the next good one counts', async () => {
  const { facade, routes } = await startTwoSides();
  const before = await facade.routes();
  const load = traffic(facade);
  await load.seen('legacy');
  await facade.replaceRoutes(routes('servce'));
  const line = await facade.logged(({ level }) => level === 'error');
  expect(line.code).toBe('routes_invalid');
  expect(line.problems).toMatch(/:7:\d+: .*servce/);
  await load.seen('legacy');
  const during = await facade.routes();
  expect(during).toEqual({ ...before, invalid: line.problems, routes: expect.anything() });
  expect(during.routes[0]).toMatchObject({ name: 'all', to: { legacy: 1 }, since: before.routes[0]?.since });
  expect(await facade.metrics()).toMatch(/^strangler_route_table_valid 0$/m);
  expect(await facade.metrics()).toMatch(/^strangler_route_table_loads_total\{result="invalid"\} 1$/m);

  await facade.replaceRoutes(routes('service'));
  await load.seen('service');
  await load.stop();
  const after = await facade.routes();
  expect(after.invalid).toBeNull();
  expect(after.digest).not.toBe(before.digest);
  expect(after.routes[0]?.since).not.toBe(before.routes[0]?.since);
  expect(await facade.metrics()).toMatch(/^strangler_route_table_valid 1$/m);
});

test('the first load must be good', async () => {
  await expect(startRunningFacade('version: 1\n')).rejects.toMatchObject({
    code: 'routes_invalid',
    exitCode: 2,
  });
});
