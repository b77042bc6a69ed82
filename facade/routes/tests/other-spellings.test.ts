import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkRoutes } from '../load.ts';

/** What a file of these routes is warned of, behind them a catch-all to `old`. */
async function warned(routes: readonly string[], top = ''): Promise<readonly string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'spellings-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'routes.yaml');
  const lines = routes.map((route, index) => `  - { name: r${index}, ${route} }\n`).join('');
  await writeFile(
    file,
    `version: 1
${top}
backends: { old: { url: "http://old" }, new: { url: "http://new" } }
routes:
${lines}  - { name: rest, match: { path: /* }, to: old }
`,
  );
  const { warnings } = await checkRoutes(file);
  for (const { code, at } of warnings) expect([code, at?.line]).toEqual(['other_spelling', 5]);
  return warnings.map(({ message }) => message);
}

const booking = 'match: { path: "/api/bookings/:id", method: POST }, to: new';

test('a slash more at the end gets past an exact path', async () => {
  expect(await warned([booking])).toEqual([
    'Requests for "/api/bookings/:id/" get past route "r0": route "rest" (line 6) sends them to old, and "r0" goes to new.',
  ]);
});

test.each([
  ['match: { path: "/api/bookings/:id", method: POST, trailingSlash: ignore }, to: new', '/API/bookings/:id'],
  ['match: { path: "/:shop/bookings/", method: POST }, to: new', '/:shop/BOOKINGS/'],
  ['match: { path: /api/* }, to: new', '/API'],
  ['match: { path: "/api/bookings/:id", caseSensitive: false, method: PUT }, to: new', '/api/bookings/:id/'],
  ['match: { path: /x, method: POST, host: shop.example }, to: new', '/x/'],
  ['match: { path: /x, method: POST, headers: { a: "1" } }, to: { new: 1, old: 0 }', '/x/'],
])('%s is got past by %s', async (route, spelling) => {
  expect(await warned([route])).toEqual([expect.stringContaining(`Requests for "${spelling}" get past`)]);
});

test.each([
  ['it reads', ['match: { path: /x, method: GET }, to: new']],
  ['it says so', ['match: { path: /x, method: POST }, writes: false, to: new']],
  ['it goes where the others go', ['match: { path: /x, method: POST }, to: old']],
  ['nothing in it has another spelling', ['match: { path: /123/*, method: POST }, to: new']],
  ['it takes them all', [`match: { path: /x, caseSensitive: false, trailingSlash: ignore }, to: new`]],
  ['it is the root', ['match: { path: /, method: POST }, to: new']],
  [
    'what is behind it goes to the same backend',
    [booking, 'match: { path: /api/*, caseSensitive: false }, to: new'],
  ],
])('nobody is warned where %s', async (_, routes) => {
  expect(await warned(routes)).toEqual([]);
});

test('nobody is warned where the file reads paths as Express does, nor where something else is behind', async () => {
  expect(await warned([booking], 'paths: { caseSensitive: false, trailingSlash: ignore }')).toEqual([]);
  const reads = 'match: { path: /api/*, method: GET, caseSensitive: false }, to: old';
  expect(await warned([booking, reads])).toHaveLength(1);
  const onlyReads = booking.replace('POST', 'GET').replace('to:', 'writes: true, to:');
  expect(
    await warned([onlyReads, 'match: { path: /api/*, method: GET, caseSensitive: false }, to: new']),
  ).toEqual([]);
});
