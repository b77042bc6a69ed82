import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRoutes } from '../load.ts';
import { RoutesInvalid } from '../problem.ts';

// Whatever is done to a file, the answer is a table or RoutesInvalid with places that exist in it.

const shipped = readFileSync(path.join(import.meta.dirname, '..', '..', '..', 'routes.yaml'), 'utf8');
const lines = shipped.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
const env = { IDENTITY_SECRET: 'a-secret-nobody-may-see-in-a-message' };

function check(text: string): void {
  try {
    parseRoutes(text, 'routes.yaml', { env });
  } catch (error) {
    if (!(error instanceof RoutesInvalid)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    expect(error.message).not.toContain(env.IDENTITY_SECRET);
    const count = text.split('\n').length;
    for (const { at, code, message } of error.problems) {
      expect(code).toMatch(/^[a-z_]+$/);
      expect(message).toMatch(/[.!?]$/);
      if (at !== undefined) expect(at.line >= 1 && at.line <= count && at.column >= 1).toBe(true);
    }
  }
}

const place = fc.nat({ max: lines.length - 1 });
const junk = fc.constantFrom(
  ...[
    '[]',
    '{}',
    'null',
    '~',
    '1',
    'true',
    '""',
    '"',
    "'",
    '[',
    '}',
    '- x',
    'x: y',
    '*a',
    '&a b',
    '!!set {a}',
    '? a',
  ],
  ...[
    '\t',
    '%',
    '@',
    '`',
    '|',
    '>',
    '${',
    `\${X}`,
    '$${',
    '__proto__: 1',
    'constructor: {}',
    '<<: *a',
    '\u0000',
    '\ud800',
    '9e999',
  ],
);

test('a value replaced by something else', () => {
  fc.assert(
    fc.property(place, junk, (at, value) => {
      check(
        lines
          .map((line, index) => (index === at ? line.replace(/(: |- |$).*$/, `$1${value}`) : line))
          .join('\n'),
      );
    }),
    { numRuns: 150 },
  );
});

test('lines lost, doubled, indented, or cut off', () => {
  const edit = fc.constantFrom<(line: string) => string[]>(
    () => [],
    (line) => [line, line],
    (line) => [` ${line}`],
    (line) => [line.trimStart()],
    (line) => [line.slice(0, line.length / 2)],
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(place, edit), { minLength: 1, maxLength: 3 }), (edits) => {
      const byLine = new Map(edits);
      check(lines.flatMap((line, index) => byLine.get(index)?.(line) ?? [line]).join('\n'));
    }),
    { numRuns: 150 },
  );
});

test('any text at all', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => check(text)),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.array(junk, { maxLength: 8 }), (parts) => check(parts.join('\n'))),
    { numRuns: 300 },
  );
});
