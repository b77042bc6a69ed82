import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

function torture(...args: string[]) {
  const file = path.join(import.meta.dirname, '../torture/main.js');
  return spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' });
}

test('says what it takes when asked, and when it is asked for something else', () => {
  const help = torture('--help');
  expect([help.status, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toMatch(/^npm run torture:sync -- .+--seed .+--pair .+sqlite-postgres.+Exit codes: /s);
  for (const args of [['--sed', '7'], ['--pair', 'sqlite-mysql'], ['--minutes', '0'], ['more']]) {
    const { status, stdout, stderr } = torture(...args);
    expect([args, status, stdout]).toEqual([args, 2, '']);
    expect(stderr).toContain('npm run torture:sync -- [--seed 7]');
    expect(stderr).not.toMatch(/^ +at /m);
  }
});
