import { expect, test } from 'vitest';
import { explain } from '../../decide/explain.ts';
import { request, tableOf } from '../../decide/tests/table.ts';

test('explain says what a route limits', () => {
  const table = tableOf(
    'name: all, match: { path: "/*" }, to: a, addresses: { deny: [10.0.0.0/8] }, limits: { body: 10MB }, rateLimit: [{ requests: 10, per: 1s, burst: 20 }, { requests: 3, per: 1m, by: { header: X-Key } }, { requests: 9, per: 1h, by: everyone }]',
  );
  expect(explain(table, request('GET /x')).notes).toEqual([
    'taken from some addresses only, others get 403',
    'rate limit all: 20 at once, then one every 100 ms, by address',
    'rate limit all.2: 3 at once, then one every 20000 ms, by header x-key',
    'rate limit all.3: 9 at once, then one every 400000 ms, for everyone together',
    'takes bodies of at most 10000000 bytes',
  ]);
});
