import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readItemwise } from '../item-source.ts';
import { inFileOrder } from '../problem.ts';
import { readSource } from '../read-source.ts';
import { atOnce } from '../slices.ts';
import type { Path, Source } from '../source.ts';
import { readWhole } from '../whole-source.ts';
import { damaged } from './damaged-files.ts';
import { fileLines, fileText } from './generated-files.ts';

// Reading a file route by route says exactly what reading it as a whole says, also with what an earlier file left.

const env = { SET: 'a value', ON: 'true', EMPTY: '' };
const read = (text: string, known?: Source) => atOnce(readSource(text, env, known?.items));

/** Everything that can be asked of a source. */
function content(source: Source) {
  const places: unknown[] = [];
  const visit = (value: unknown, path: Path) => {
    places.push([path, source.valueAt(path), source.keyAt(path), source.textAt(path)]);
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      visit((value as Record<string, unknown>)[key], [...path, Array.isArray(value) ? Number(key) : key]);
    }
    // Where something is missing, its parent counts.
    const beyond = [...path, Array.isArray(value) ? value.length : 'missing'];
    places.push([source.valueAt(beyond), source.keyAt(beyond), source.textAt([...beyond, 'deeper'])]);
  };
  if (source.value !== undefined) visit(source.value, []);
  return {
    value: source.value,
    problems: inFileOrder(source.problems),
    substituted: [...source.substituted].sort(),
    unresolved: [...source.unresolved].sort(),
    places,
  };
}

function expectSame(text: string, known?: Source): Source {
  const source = read(text, known);
  expect(content(source)).toEqual(content(readWhole(text, env)));
  return source;
}

/** As in a file: no half characters. */
const asRead = (text: string) => Buffer.from(text).toString();

test('generated files are read route by route, and say the same', () => {
  let itemwise = 0;
  let all = 0;
  fc.assert(
    fc.property(fileText, (text) => {
      all++;
      if (expectSame(text).items !== undefined) itemwise++;
    }),
    { numRuns: 400 },
  );
  expect(itemwise).toBeGreaterThan(all / 3);
});

test('damaged files say the same', () => {
  fc.assert(
    fc.property(
      fileLines.chain((lines) => damaged(lines)),
      (text) => void expectSame(asRead(text)),
    ),
    { numRuns: 600 },
  );
  fc.assert(
    fc.property(damaged(), (text) => void expectSame(asRead(text))),
    { numRuns: 150 },
  );
});

test('edits of a file that was read before say the same', () => {
  const edits = fileLines.chain((lines) =>
    fc.tuple(fc.constant(lines.join('\n')), fc.array(damaged(lines), { minLength: 1, maxLength: 3 })),
  );
  fc.assert(
    fc.property(edits, ([text, edited]) => {
      let known = expectSame(asRead(text));
      for (const next of edited) known = expectSame(asRead(next), known);
      expectSame(asRead(text), known);
    }),
    { numRuns: 200 },
  );
});

test.each(readdirSync(path.join(import.meta.dirname, 'golden')).filter((name) => name.endsWith('.yaml')))(
  'the broken file %s says the same',
  (name) => void expectSame(readFileSync(path.join(import.meta.dirname, 'golden', name), 'utf8')),
);

const small = (...items: string[]) =>
  `version: 1\nbackends: {}\nroutes:\n${items.join('\n')}\nservedBy: true\n`;

test('what was read before is the same object, whatever moved it', () => {
  const one = '  - { name: one, to: a }';
  const two = `  - name: two\n    to: \${SET}`;
  const before = read(small(one, two));
  const after = read(small('# moved', '  - { name: new }', two, one), before);
  const routes = (source: Source) => (source.value as { routes: unknown[] }).routes;
  expect(routes(after)[2]).toBe(routes(before)[0]);
  expect(routes(after)[1]).toBe(routes(before)[1]);
  expect(after.items?.size).toBe(3);
  const changed = atOnce(readSource(small(one, two), { SET: 'another' }, after.items));
  expect(routes(changed)[0]).toBe(routes(before)[0]);
  expect(routes(changed)[1]).toEqual({ name: 'two', to: 'another' });
});

test.each([
  ['an anchor', small('  - { name: &x one }', '  - { name: *x }')],
  ['an anchor before the routes', small('  - { name: *x }').replace('{}', '&x {}')],
  ['a tag', small('  - { name: !!str 1 }')],
  ['a block scalar', small('  - name: |', '      one')],
  ['a quote over lines that look like items', small('  - name: "one', '  - two"')],
  ['a bracket over lines that look like items', small('  - { name: [one,', '  - two] }')],
  ['a directive', `%YAML 1.1\n---\n${small('  - { name: yes }')}`],
  ['a second document', `${small('  - { name: one }')}---\n${small('  - { name: one }')}`],
  ['routes within a quote', `x: "\n${small('  - { name: one }')}"`],
  ['routes twice', small('  - { name: one }') + small('  - { name: one }')],
  ['a list that is tagged', small('  !!seq', '  - { name: one }')],
  ['a carriage return within a line', small('  - { name: one\r }')],
  ['a tab', small('\t- { name: one }')],
  ['an item that is no mapping', small('  - one')],
  ['a key twice', small('  - { name: one, name: two }')],
  ['brackets within each other', small(`  - { name: ${'['.repeat(70)}${']'.repeat(70)} }`)],
  [
    'mappings within each other',
    small(
      `  - ${Array.from({ length: 70 }, (_, depth) => `${' '.repeat(depth + 4)}a:`)
        .join('\n')
        .trim()}`,
    ),
  ],
])('%s is read as a whole', (_what, text) => {
  expect(atOnce(readItemwise(text, env, new Map()))).toBeUndefined();
  expectSame(text);
});

test('more values than a file may stand for are counted over all routes', () => {
  const items = Array.from({ length: 260 }, () => `  - { name: [${'1,'.repeat(1000)}] }`);
  expect(atOnce(readItemwise(small(...items), env, new Map()))).toBeUndefined();
  expect(atOnce(readItemwise(small(...items.slice(20)), env, new Map()))).toBeDefined();
});
