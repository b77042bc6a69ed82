import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseRoutes } from '../load.ts';
import { RoutesInvalid } from '../problem.ts';

// Broken files beside the exact message for each. After a deliberate change of wording:
// npx vitest run facade/routes/tests/golden.test.ts --update

const folder = path.join(import.meta.dirname, 'golden');
const env = {
  IDENTITY_SECRET: 'x'.repeat(32),
  SHORT_SECRET: 'hunter2-hunter2',
  NOT_BOOLEAN: 'perhaps',
  EMPTY: '',
  SECRET_WITH_LINE_BREAK: 'hunter2-hunter2\r\nX-Admin: 1',
};

describe('a broken file', () => {
  test.each(readdirSync(folder).filter((name) => name.endsWith('.yaml')))('%s', async (name) => {
    const message = messageFor(readFileSync(path.join(folder, name), 'utf8'));
    expect(message).not.toMatch(/hunter2|stands-in-the-file/);
    await expect(`${message}\n`).toMatchFileSnapshot(path.join(folder, name.replace(/yaml$/, 'txt')));
  });
});

function messageFor(text: string): string {
  try {
    parseRoutes(text, 'routes.yaml', { env });
  } catch (error) {
    if (error instanceof RoutesInvalid) return error.line;
    throw error;
  }
  throw new Error('The file is accepted.');
}
