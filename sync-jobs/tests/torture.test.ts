import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, inject, test } from 'vitest';
import { describeFailure } from '../torture/report.ts';
import { tortureOnce } from '../torture/run.ts';
import { pairs } from './store-pair.ts';

// A short run of `npm run torture:sync`: concurrent writers, feeds that are killed, changes of owner, every row compared.

const seed = Number(process.env.TORTURE_SEED ?? Math.floor(Math.random() * 1_000_000));

test.each(pairs)('%s to %s survives kills and changes of owner', { timeout: 180_000 }, async (from, to) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'torture-'));
  const result = await tortureOnce({
    seed,
    pair: [from, to],
    milliseconds: 5_000,
    folder,
    server: inject('postgresUrl'),
  });
  // A failed run leaves its SQLite files where the message says; the PostgreSQL server ends with the tests.
  expect(result.findings, describeFailure(result)).toEqual([]);
  expect(result.comparisons).toBe(3);
  expect(result.handovers).toBe(2);
  expect(result.kills.anywhere).toBeGreaterThan(0);
  expect(Math.min(result.counts.inserts, result.counts.updates, result.counts.deletes)).toBeGreaterThan(0);
  await result.drop();
  await rm(folder, { recursive: true, force: true });
});
