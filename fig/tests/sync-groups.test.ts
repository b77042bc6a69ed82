import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runFig } from './fig-process.ts';

// What a folder of groups can be wrong in before any database is asked.

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fig-groups-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const install = () => runFig(['sync', 'install'], { env: { SYNC_GROUPS_DIR: folder } });

test.each([
  ['a syntax error', "export default {\n  name: 'people',\n  tables: [ } ,\n};\n", ':3:13: '],
  ['an import that is not there', "import { nope } from 'node:path';\nexport default nope;\n", ':1:10: '],
  [
    'an error while it is read',
    'export default {\n  tables: absent(),\n};\n',
    ':2:11: absent is not defined',
  ],
  ['no group', 'export default 7;\n', ': its default export is not a group'],
])('a file with %s is named with the place', async (_, text, place) => {
  await writeFile(path.join(folder, 'people.ts'), text);
  const { code, stdout, stderr } = await install();
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`${path.join(folder, 'people.ts')}${place}`);
});

test('a folder without a group is an error that says how to begin', async () => {
  await writeFile(path.join(folder, 'people.test.ts'), '');
  const { code, stdout, stderr } = await install();
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`No group is declared in ${folder}.`);
  expect(stderr).toContain('fig sync init --group NAME');
  expect(stderr).toContain('SYNC_GROUPS_DIR');
});
