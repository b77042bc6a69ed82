import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRoutes } from '../load.ts';
import { RoutesInvalid } from '../problem.ts';
import { damaged, junk } from './damaged-files.ts';

// Whatever is done to a file, the answer is a table or RoutesInvalid with places that exist in it.

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

test('lines lost, doubled, indented, cut off, or with something else in them', () => {
  fc.assert(fc.property(damaged(), check), { numRuns: 300 });
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
