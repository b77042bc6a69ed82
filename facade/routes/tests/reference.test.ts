import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { keysOfSchema, referenceTable } from './reference.ts';

// docs/routes-yaml.md ends with every key of the schema. After a change of the schema:
// npx vitest run facade/routes/tests/reference.test.ts --update

const document = path.join(import.meta.dirname, '../../../docs/routes-yaml.md');

test('docs/routes-yaml.md has every key, as the schema has it', async () => {
  const text = readFileSync(document, 'utf8');
  const [before, rest = ''] = text.split('<!-- every key: begin -->');
  const [, after] = rest.split('<!-- every key: end -->');
  const table = referenceTable(keysOfSchema());
  await expect(
    `${before}<!-- every key: begin -->\n${table}\n<!-- every key: end -->${after}`,
  ).toMatchFileSnapshot(document);
});

/** A mapping says what it is for, and its keys their own defaults; of these mappings exactly one key is given. */
const oneOf = /\.(?:sticky|force)\.(?:cookie|header)$|^backends\.<backend>\.urls?$/;

test('every key that may be left out says what then holds', () => {
  const keys = keysOfSchema();
  const isMapping = ({ path: own }: { path: string }) => keys.some((key) => key.path.startsWith(`${own}.`));
  const silent = keys.filter(
    (key) =>
      !key.required &&
      !isMapping(key) &&
      !oneOf.test(key.path) &&
      !/\bdefault\b|left out|on unless/i.test(key.meaning),
  );
  expect(silent.map((key) => key.path)).toEqual([]);
});

test('every key has a meaning', () => {
  expect(keysOfSchema().filter(({ meaning }) => meaning === '')).toEqual([]);
});
