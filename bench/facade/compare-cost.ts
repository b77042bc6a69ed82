import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { facadeWith, type Running } from './contenders.ts';
import { fullLoad, pacedLoad, percentile } from './load.ts';
import { cores, ready, startPinned, stop } from './pinned.ts';
import { aligned, median } from './table.ts';

// npm run bench:compare-cost [-- --rounds 7 --seconds 4 --target 10]: what clients wait longer where every request is
// compared with a second backend, at a third of the most that the facade can do. Rounds alternate between a facade
// that compares and one that does not, and which of them begins. Exit code 1 where the median of the rounds' ratios
// is more per cent above 1 than the target.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    target: { type: 'string', default: '10' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = Number(values.connections);
const asked = '/api/inventory/17';

const folder = await mkdtemp(path.join(tmpdir(), 'bench-compare-'));
const origins = ['first', 'other'].map(() =>
  startPinned(cores.load, process.execPath, [path.join(import.meta.dirname, 'origin.ts')]),
);
const [first = 0, other = 0] = await Promise.all(origins.map(async (origin) => (await ready(origin)).port));
const running: Running[] = [];
const p50 = { without: [] as number[], with: [] as number[] };
try {
  const without = await start('without', '');
  const comparing = await start('with', ', compare: other');
  const most = await fullLoad(without.port, asked, connections, seconds);
  const paced = { rate: most / 3, connections, seconds };
  const latency = async ({ port }: Running) => percentile(await pacedLoad(port, asked, paced), 0.5);
  await latency(without);
  await latency(comparing);
  for (let round = 0; round < rounds; round++) {
    const measure = {
      without: async () => void p50.without.push(await latency(without)),
      with: async () => void p50.with.push(await latency(comparing)),
    };
    for (const which of round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
      await measure[which]();
    }
    console.error(
      `round ${round + 1}/${rounds}: ${inMilliseconds(p50.without[round])} without, ${inMilliseconds(p50.with[round])} with`,
    );
  }
  const ratios = p50.with.map((value, round) => value / (p50.without[round] ?? Number.NaN));
  const added = (median(ratios) - 1) * 100;
  console.log(
    aligned([
      [`at ${Math.round(paced.rate)}/s`, 'p50', 'least', 'most'],
      ['without compare', ...spread(p50.without)],
      ['with compare', ...spread(p50.with)],
    ]),
  );
  console.log(await comparisons(comparing));
  const kept = added < Number(values.target);
  console.log(
    `p50 is ${added.toFixed(1)} % more: ${kept ? 'within' : 'BEYOND'} the target of ${values.target} %`,
  );
  if (!kept) process.exitCode = 1;
} finally {
  await Promise.all([...running.map(({ process: child }) => child), ...origins].map(stop));
  await rm(folder, { recursive: true, force: true });
}

async function start(name: string, compare: string): Promise<Running> {
  const file = path.join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `version: 1
accessLog: { sample: 1% }
backends:
  first: { url: 'http://127.0.0.1:${first}' }
  other: { url: 'http://127.0.0.1:${other}' }
routes:
  - { name: asked, match: { path: /api/inventory/:itemId, method: GET }, to: first${compare} }
  - { name: rest, match: { path: /* }, to: first }
`,
  );
  const started = await facadeWith(name, file).start();
  running.push(started);
  return started;
}

/** How many were compared in fact: a facade that sheds comparisons would look cheap. */
async function comparisons({ adminPort }: Running): Promise<string> {
  const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const found = [...metrics.matchAll(/^strangler_comparisons_total\{.*result="(\w+)"\} (\d+)$/gm)];
  return `comparisons: ${found.map(([, result, count]) => `${count} ${result}`).join(', ')}`;
}

function spread(measured: readonly number[]): string[] {
  return [median(measured), Math.min(...measured), Math.max(...measured)].map(inMilliseconds);
}

function inMilliseconds(value = Number.NaN): string {
  return `${value.toFixed(3)} ms`;
}
