import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runFig } from './fig-process.ts';
import { openFilled } from './sync-system.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function opened() {
  const databases = await openFilled('sqlite');
  cleanups.push(() => databases.close());
  const fig = (...args: string[]) => runFig(['sync', ...args], { env: databases.environment });
  return { ...databases, fig };
}

test('check says what the rows refute, with exit code 3', async () => {
  const { legacy, fig } = await opened();
  const sound = await fig('check', 'profile', 'inventory');
  expect(sound).toMatchObject({ code: 0, stderr: '' });
  expect(sound.stdout).toContain('profile: nothing refuses this mapping.');
  expect(sound.stdout).toContain('inventory: nothing refuses this mapping.');

  await legacy.query("UPDATE users SET updated_at = 'soon' WHERE id = 2");
  const refuted = await fig('check', 'profile');
  expect(refuted.code).toBe(3);
  expect(refuted.stdout).toMatch(/REFUTED: .*soon/);
  const json = await fig('check', 'profile', '--json');
  expect(json.code).toBe(3);
  expect(JSON.parse(json.stdout).groups).toMatchObject([{ group: 'profile', sound: false }]);
  expect((await fig('check', '--rows', 'all')).code).toBe(2);
});

test('init prints a declaration or writes it where none is, and check can read it', async () => {
  const { environment, fig } = await opened();
  const folder = await mkdtemp(path.join(tmpdir(), 'fig-init-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'profile.ts');
  const draft = ['init', '--group', 'profile', '--from-tables', 'users:profiles'];
  const printed = await fig(...draft);
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  expect(printed.stdout).toContain("from: 'users'");
  expect(printed.stdout).toContain("to: 'profiles'");

  expect((await fig(...draft, '--out', file)).code).toBe(0);
  const written = await readFile(file, 'utf8');
  const checked = await runFig(['sync', 'check', '--json'], {
    env: { ...environment, SYNC_GROUPS_DIR: folder },
  });
  expect(JSON.parse(checked.stdout).groups).toMatchObject([
    { group: 'profile', tables: [{ to: 'profiles' }] },
  ]);

  const again = await fig(...draft, '--out', file);
  expect(again).toMatchObject({ code: 2, stdout: '' });
  expect(again.stderr).toContain('is there already');
  expect(await readFile(file, 'utf8')).toBe(written);
});
