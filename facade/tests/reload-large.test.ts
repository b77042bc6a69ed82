import { isDeepStrictEqual } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { loadRoutes } from '../routes/load.ts';
import { startOrigin } from './origins.ts';
import { get, RawClient } from './raw-client.ts';
import { type RunningFacade, startRunningFacade } from './running-facade.ts';

// Ten thousand routes are loaded again while requests go on: each is answered by the old table or the new one.

async function startLarge() {
  const [legacy, service] = await Promise.all(
    ['legacy', 'service'].map((name) => startOrigin((_, response) => response.end(name))),
  );
  const others = Array.from(
    { length: 9_998 },
    (_, index) => `  - { name: area-${index}, match: { path: '/area${index}/:id' }, to: legacy }`,
  );
  const routes = (to: string, above = '') => `version: 1
servedBy: true
${above}backends:
  legacy: { url: http://127.0.0.1:${legacy?.port} }
  service: { url: http://127.0.0.1:${service?.port} }
routes:
${others.slice(0, 5_000).join('\n')}
  - name: asked
    match: { path: /asked }
    to: ${to}
${others.slice(5_000).join('\n')}
  - { name: all, match: { path: /* }, to: legacy }
`;
  const facade = await startRunningFacade(routes('legacy'));
  return { facade, routes };
}

/** Asks on several connections until the test ends, and gives what each was answered, in order. */
async function traffic(facade: RunningFacade) {
  let stopped = false;
  const bodies: string[][] = [];
  const run = async () => {
    const client = await RawClient.connect(facade.port);
    const own: string[] = [];
    bodies.push(own);
    while (!stopped) {
      const answer = await client.send(get('/asked')).answer();
      expect(answer.status).toBe(200);
      expect(answer.header('x-served-by')).toBe(answer.body);
      own.push(answer.body);
    }
  };
  const running = Promise.all(Array.from({ length: 4 }, run));
  const stop = async () => {
    stopped = true;
    await running;
    return bodies;
  };
  onTestFinished(async () => void (await stop()));
  return stop;
}

const flips = (own: readonly string[]) =>
  own.filter((body, index) => index > 0 && body !== own[index - 1]).length;

/** The table in force is what a first load of the file makes. */
async function expectAsInFile(facade: RunningFacade): Promise<void> {
  const fresh = await loadRoutes(facade.routesFile);
  const { loadedAt } = facade.table();
  // Not toEqual, which takes seconds for ten thousand routes.
  expect(isDeepStrictEqual({ ...fresh, loadedAt }, { ...facade.table() })).toBe(true);
}

/** Waits until an edit that was made is in force. */
async function inForce(facade: RunningFacade, to: string): Promise<void> {
  const share = () => facade.table().routes.find(({ name }) => name === 'asked')?.shares[0]?.backend;
  await expect.poll(share, { timeout: 20_000 }).toBe(to);
}

test('edits of one word, above all others, one during another, a slip, and one that is read as a whole', async () => {
  const { facade, routes } = await startLarge();
  const stop = await traffic(facade);
  const first = facade.table();
  await facade.replaceRoutes(routes('service'));
  await inForce(facade, 'service');
  await expectAsInFile(facade);
  // What did not change is what it was.
  const kept = new Set(first.routes);
  expect(facade.table().routes.filter((route) => kept.has(route))).toHaveLength(9_999);

  await facade.replaceRoutes(routes('legacy', '# a line above all\n'));
  await inForce(facade, 'legacy');
  await expectAsInFile(facade);

  await facade.replaceRoutes(routes('legacy', '# being loaded\n# when the next comes\n'));
  await facade.replaceRoutes(routes('service'));
  await inForce(facade, 'service');
  expect(facade.log.filter(({ level }) => level !== 'info')).toEqual([]);

  const good = facade.table();
  await facade.replaceRoutes(routes('legacy').replace("path: '/area7000/:id' }", 'path: "/area7000/:id'));
  const line = await facade.logged(({ level }) => level === 'error');
  const problem = await loadRoutes(facade.routesFile).catch((error: Error) => error);
  expect(line.problems).toBe((problem as Error).message);
  expect(facade.table()).toBe(good);

  await facade.replaceRoutes(routes('legacy').replace('to: legacy\n', 'to: &side legacy\n'));
  await inForce(facade, 'legacy');
  await expectAsInFile(facade);
  expect((await stop()).map(flips)).toEqual([4, 4, 4, 4]);
}, 120_000);
