import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type EmbeddedServer, startEmbeddedPostgres } from '../../testing/embedded-postgres.ts';
import { progressTo } from './progress.ts';
import { describeFailure, describeRun } from './report.ts';
import { type Pair, type RunResult, tortureOnce } from './run.ts';

// npm run torture:sync -- [--seed 7] [--minutes 2] [--pair sqlite-postgres] [--json]

const all: Pair[] = [
  ['sqlite', 'sqlite'],
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
  ['postgres', 'postgres'],
];
const settings = readSettings();
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());

const folder = await mkdtemp(path.join(tmpdir(), 'torture-'));
let server: EmbeddedServer | undefined;
const results: RunResult[] = [];
const progress = progressTo(process.stderr, settings.pairs.length, settings.milliseconds);
console.error(
  `seed ${settings.seed}. It repeats every decision of every process; which process is when how far, it cannot repeat.`,
);
try {
  if (settings.pairs.flat().includes('postgres')) server = await startEmbeddedPostgres();
  for (const [index, pair] of settings.pairs.entries()) {
    const name = pair.join('-');
    const own = path.join(folder, name);
    await mkdir(own);
    const result = await tortureOnce({
      seed: settings.seed,
      pair,
      milliseconds: settings.milliseconds / settings.pairs.length,
      folder: own,
      server: server?.url,
      signal: stopping.signal,
      onProgress: (now) => progress.show(index, name, now),
    });
    progress.clear();
    results.push(result);
    console.error(describeRun(result));
    if (result.findings.length > 0 || stopping.signal.aborted) break;
  }
} finally {
  progress.clear();
  const bad = results.find(({ findings }) => findings.length > 0);
  await server?.stop({ keep: bad !== undefined });
  if (bad === undefined) await rm(folder, { recursive: true, force: true });
  else console.error(describeFailure(bad, server?.folder));
  const ok = bad === undefined && results.length === settings.pairs.length && !stopping.signal.aborted;
  if (settings.json) console.log(JSON.stringify({ ok, seed: settings.seed, runs: results }, null, 2));
  process.exitCode = ok ? 0 : 1;
}

function readSettings(): { seed: number; milliseconds: number; pairs: Pair[]; json: boolean } {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      minutes: { type: 'string', default: '2' },
      pair: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
    },
  });
  const [seed, minutes] = [Number(values.seed), Number(values.minutes)];
  const names = all.map((pair) => pair.join('-'));
  const unknown = values.pair?.find((name) => !names.includes(name));
  if (!Number.isSafeInteger(seed) || !(minutes > 0) || unknown !== undefined) {
    console.error(
      `--seed is a whole number, --minutes how long it takes in all, --pair one of ${names.join(', ')} (may be repeated).`,
    );
    process.exit(2);
  }
  const pairs = values.pair === undefined ? all : all.filter((pair) => values.pair?.includes(pair.join('-')));
  return { seed, milliseconds: minutes * 60_000, pairs, json: values.json };
}
