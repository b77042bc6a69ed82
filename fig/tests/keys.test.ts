import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openKeyFile } from '@strangler-fig/facade/identify/key-file';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runFig } from './fig-process.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fig-keys-'));
  file = path.join(folder, 'keys.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('rotate publishes a new key, list says what it is waiting for, and a second rotation has to wait', async () => {
  const [old] = openKeyFile(file);
  const rotated = await runFig(['keys', 'rotate', '--keys', file, '--lead', '600', '--json']);
  expect(rotated).toMatchObject({ code: 0, stderr: '' });
  const { keys } = JSON.parse(rotated.stdout);
  expect(keys.map(({ state }: { state: string }) => state)).toEqual(['signs', 'waits']);
  expect(keys[0].kid).toBe(old?.kid);
  expect(Date.parse(keys[0].publishedUntil) - Date.parse(keys[1].signsFrom)).toBe(120_000);

  const listed = await runFig(['keys', 'list', '--keys', file]);
  expect(listed.stdout).toMatch(new RegExp(`^${old?.kid}  signs .*\n${keys[1].kid}  waits .*\n$`));
  const { d } = JSON.parse(await readFile(file, 'utf8')).keys[0];
  expect(listed.stdout + rotated.stdout).not.toContain(d);

  const second = await runFig(['keys', 'rotate', '--keys', file]);
  expect(second).toMatchObject({ code: 3, stdout: '' });
  expect(second.stderr).toContain(keys[1].kid);

  const compromised = await runFig(['keys', 'rotate', '--compromised', '--json'], {
    env: { IDENTITY_KEYS_FILE: file },
  });
  expect(JSON.parse(compromised.stdout).keys).toMatchObject([{ state: 'signs', publishedUntil: null }]);
});

test('a file that is not there, or a time that is none, is one line and exit code 2', async () => {
  expect(await runFig(['keys', 'rotate', '--keys', file])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^The keys in \S+ cannot be used: ENOENT\. [^\n]+\n$/),
  });
  openKeyFile(file);
  expect((await runFig(['keys', 'rotate', '--keys', file, '--lead', 'soon'])).code).toBe(2);
});
