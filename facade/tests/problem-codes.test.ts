import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { UpstreamFailure, type UpstreamFailureKind, upstreamProblem } from '../forward/upstream-failure.ts';

// The playbook's table has every code that an answer of the facade's own can carry, and no other.

const facade = path.join(import.meta.dirname, '..');
const playbook = path.join(facade, '../docs/migration-playbook.md');

/** What a pattern's first group finds in the sources of the facade; what is wrong with a routes.yaml is no answer. */
function inSources(pattern: RegExp, files = '**/*.ts'): string[] {
  const names = globSync(files, { cwd: facade, exclude: ['**/tests/**', '**/node_modules/**', 'routes/**'] });
  const texts = names.map((name) => readFileSync(path.join(facade, name), 'utf8'));
  return texts.flatMap((text) => [...text.matchAll(pattern)].map(([, found = '']) => found));
}

function codesOfAnswers(): string[] {
  const kinds = inSources(/^ {2}\| '([a-z_]+)'/gm, 'forward/upstream-failure.ts') as UpstreamFailureKind[];
  const groups = [
    inSources(/\bstatus(?:: [\w.]+)?,\s+code: '([a-z0-9_]+)'/g),
    inSources(/\bbadRequest\('([a-z0-9_]+)'/g),
    inSources(/^ {2}\| '([a-z_]+)'/gm, 'check/target.ts'),
    // Keys are rotated by a command, and not within a request.
    inSources(/\bnew (?:Failure|TokenRefused)\(\s*'([a-z_]+)'/g, 'identify/!(rotate-keys).ts'),
    kinds.map((kind) => upstreamProblem(new UpstreamFailure(kind, ''), 'route', 'backend').code),
  ];
  for (const group of groups) expect(group).not.toEqual([]);
  return [...new Set(groups.flat())].sort();
}

function codesInTable(): string[] {
  const [, table = ''] = readFileSync(playbook, 'utf8').split(
    '| code | status | what to do |\n|---|---|---|\n',
  );
  const rows = table.split('\n\n', 1)[0]?.split('\n') ?? [];
  const codes = rows.flatMap((row) => row.split(' | ', 1)[0]?.match(/[a-z0-9_]+/g) ?? []);
  expect(codes).toEqual([...new Set(codes)]);
  return codes.sort();
}

test('every code of an answer is in the table of the playbook, and no other', () => {
  expect(codesInTable()).toEqual(codesOfAnswers());
});
