import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type EmbeddedServer, startEmbeddedPostgres } from '../../testing/embedded-postgres.ts';
import { progressTo } from './progress.ts';
import { describeFailure, describeRun } from './report.ts';
import { type Pair, type RunResult, tortureOnce } from './run.ts';

const all: Pair[] = [
  ['sqlite', 'sqlite'],
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
  ['postgres', 'postgres'],
];
const usage = `npm run torture:sync -- [--seed 7] [--minutes 2] [--pair sqlite-postgres] [--json]

  --seed <number>    repeats the decisions of another run; any where it is left out
  --minutes <number> how long it takes in all; 2 where it is left out
  --pair <from-to>   only this pair of databases; may be repeated. One of ${all.map((pair) => pair.join('-')).join(', ')}
  --json             print the results as JSON on standard output

Exit codes: 0 nothing was lost or doubled, 1 something was or it was stopped, 2 usage.`;
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

/** Ends the process where the arguments are wrong, or ask what they may be. */
function readArguments() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
        minutes: { type: 'string', default: '2' },
        pair: { type: 'string', multiple: true },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

function readSettings(): { seed: number; milliseconds: number; pairs: Pair[]; json: boolean } {
  const values = readArguments();
  if (values.help) {
    console.log(usage);
    process.exit();
  }
  const [seed, minutes] = [Number(values.seed), Number(values.minutes)];
  const names = all.map((pair) => pair.join('-'));
  const unknown = values.pair?.find((name) => !names.includes(name));
  if (!Number.isSafeInteger(seed) || !(minutes > 0) || unknown !== undefined) {
    console.error(usage);
    process.exit(2);
  }
  const pairs = values.pair === undefined ? all : all.filter((pair) => values.pair?.includes(pair.join('-')));
  return { seed, milliseconds: minutes * 60_000, pairs, json: values.json };
}
