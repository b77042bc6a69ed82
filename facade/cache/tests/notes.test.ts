import { expect, test } from 'vitest';
import { explain } from '../../decide/explain.ts';
import { request, tableOf } from '../../decide/tests/table.ts';
import { documentOf, writeDocument } from '../../validate/tests/validated-route.ts';

test('explain says what a route keeps, compares, and says to pages of other origins', async () => {
  const document = await writeDocument(documentOf({ '/{any}': { get: {} } }));
  const table = tableOf(
    `name: reads, match: { path: "/*", method: GET }, to: a, cors: { origins: ["https://shop.example"], credentials: true }, cache: { answer: 10kB, fresh: 10s }, validate: { openapi: "${document}", mode: report }`,
    'name: rest, match: { path: "/*" }, to: a',
  );
  expect(explain(table, request('GET /x')).notes).toEqual([
    'CORS: preflights are answered here, and pages of the origins of its list may read answers, with cookies',
    'must fit shop.openapi.yaml, with JSON bodies of at most 65536 bytes; others are counted and sent on',
    'answers of at most 10000 bytes are kept as long as they allow it, for 10 s where it says nothing',
  ]);
  expect(explain(table, request('PUT /x')).notes).toEqual([
    'what is kept for the same target is dropped after a write',
  ]);
});
