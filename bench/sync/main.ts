import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../../testing/embedded-postgres.ts';
import { type BenchDatabase, postgresDatabase, sqliteDatabase } from './databases.ts';
import { lags, measure, type Round, writeOverhead } from './measures.ts';
import { besideReplication } from './replication.ts';

// npm run bench:sync [-- --rows 200000 --rounds 3]: how fast feeds copy, apply and verify beside the plainest way that
// does the same, what capture costs the legacy application, and how far a feed is behind at 1,000 changes a second.

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '200000' }, rounds: { type: 'string', default: '3' } },
});
const [rows, rounds] = [Number(values.rows), Number(values.rounds)];
const folder = await mkdtemp(path.join(tmpdir(), 'bench-sync-'));
const server = await startEmbeddedPostgres();
const makes: Record<string, () => Promise<BenchDatabase>> = {
  sqlite: async () => sqliteDatabase(folder),
  postgres: () => postgresDatabase(server.url),
};
const results: Record<string, unknown> = { rows, rounds, node: process.version };
try {
  for (const [name, make] of Object.entries(makes)) {
    const all: Round[] = [];
    for (let round = 1; round <= rounds; round++) {
      console.error(`${name}: round ${round} of ${rounds}, ${rows} rows`);
      all.push(await measure(make, rows));
    }
    const late = await lags(make, 1_000, 5);
    results[name] = {
      copiedRowsPerSecond: spread(all.map(({ copied }) => copied)),
      toPlainCopy: spread(all.map(({ toPlainCopy }) => toPlainCopy)),
      changesPerSecond: spread(all.map(({ applied }) => applied)),
      verifyToRead: spread(all.map(({ verifyToRead }) => verifyToRead)),
      lagMilliseconds: { p50: at(late, 0.5), p99: at(late, 0.99) },
    };
  }
  results.writeOverhead = spread(await writeOverhead(makes.sqlite!, 9));
  results.toLogicalReplication = Object.fromEntries(
    Object.entries(await besideReplication(makes.postgres!, rounds)).map(([name, all]) => [
      name,
      spread(all),
    ]),
  );
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
console.log(JSON.stringify(results, null, 2));
const file = path.join(import.meta.dirname, '..', 'results', 'sync.json');
await mkdir(path.dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);

function at(sorted: number[], share: number): number {
  return Number((sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1));
}

/** Median, least and most. */
function spread(numbers: number[]): { median: number; least: number; most: number } | null {
  if (numbers.length === 0) return null;
  const sorted = numbers.toSorted((left, right) => left - right);
  const rounded = (value: number) => Number(value.toPrecision(3));
  return {
    median: rounded(sorted[Math.floor(sorted.length / 2)]!),
    least: rounded(sorted[0]!),
    most: rounded(sorted.at(-1)!),
  };
}
