import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { editRoutes } from '../edit.ts';
import { parseRoutes } from '../load.ts';

const text = `version: 1
backends:
  old: { url: http://127.0.0.1:4000 }   # the monolith
  new: { url: http://127.0.0.1:4101 }
routes:
  # what people read
  - name: read
    match: { path: /a, method: GET }
    to: old # a word
  - { name: flow, match: { path: /b, method: GET }, to: old }
  - name: split
    match: { path: /c, method: GET }
    to: { old: 90, new: 10 }
`;

test('one word changes, and nothing else of the file', () => {
  expect(editRoutes(text, [{ route: 'read', key: 'to', value: 'new' }])).toBe(
    text.replace('to: old # a word', 'to: new # a word'),
  );
  expect(editRoutes(text, [{ route: 'flow', key: 'to', value: 'new' }])).toBe(
    text.replace('GET }, to: old }', 'GET }, to: new }'),
  );
  expect(editRoutes(text, [{ route: 'split', key: 'to', value: 'new' }])).toBe(
    text.replace('{ old: 90, new: 10 }', 'new'),
  );
});

test.each(['read', 'flow', 'split'])(
  'compare is added to %s, changed, and taken out without a trace',
  (route) => {
    const added = editRoutes(text, [{ route, key: 'compare', value: 'new' }]);
    const compared = parseRoutes(added, 'routes.yaml', {}).routes.find(({ name }) => name === route);
    expect(compared?.compare?.with).toBe('new');
    expect(editRoutes(added, [{ route, key: 'compare', value: undefined }])).toBe(text);
  },
);

test('several edits are made at once', () => {
  const edited = editRoutes(text, [
    { route: 'read', key: 'to', value: 'new' },
    { route: 'flow', key: 'compare', value: 'new' },
  ]);
  const routes = parseRoutes(edited, 'routes.yaml', {}).routes;
  expect(routes.find(({ name }) => name === 'read')?.shares).toEqual([{ backend: 'new', weight: 1 }]);
  expect(routes.find(({ name }) => name === 'flow')?.compare?.with).toBe('new');
});

test('a route that is not there is a failure that names it', () => {
  expect(() => editRoutes(text, [{ route: 'raed', key: 'to', value: 'new' }])).toThrow(
    expect.objectContaining({ code: 'route_unknown', message: expect.stringContaining('raed') }),
  );
});

test('every route of the shipped file can be edited and stays valid', async () => {
  const shipped = await readFile(path.join(import.meta.dirname, '../../../routes.yaml'), 'utf8');
  const env = { IDENTITY_SECRET: 'x'.repeat(32) };
  for (const { name } of parseRoutes(shipped, 'routes.yaml', { env }).routes) {
    const edited = editRoutes(shipped, [{ route: name, key: 'to', value: 'booking' }]);
    const route = parseRoutes(edited, 'routes.yaml', { env }).routes.find((one) => one.name === name);
    expect(route?.shares).toEqual([{ backend: 'booking', weight: 1 }]);
  }
});
