import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '..', '..');

test('the story holds from beginning to end', async () => {
  const { stdout, stderr } = await run(process.execPath, ['walkthrough/walkthrough.js'], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
    timeout: 85_000,
  });
  expect(stderr).toBe('');
  // Every check of the story throws where it does not hold; these say that it was told at all.
  expect(stdout.match(/^\d\. /gm)).toHaveLength(7);
  expect(stdout.match(/✓/g)?.length).toBeGreaterThanOrEqual(12);
  expect(stdout).toContain('Done.');
}, 90_000);
