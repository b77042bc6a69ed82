import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Contender, facadeWith, peersBefore } from './contenders.ts';
import { fullLoad, pacedLoad, percentile } from './load.ts';
import { canPin, coreCount, cores, pinOurselves, ready, startPinned, stop } from './pinned.ts';
import { routesWith } from './routes-files.ts';
import { type Measured, median, spread, throughputTable } from './table.ts';

// npm run bench:facade [-- --rounds 5 --seconds 4]: how fast the facade is beside others on the same core. Each round
// measures every contender once, so that what else the machine does meets all of them; what counts are the ratios.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    only: { type: 'string', multiple: true },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = Number(values.connections);

pinOurselves();
const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
const origin = startPinned(cores.load, process.execPath, [path.join(import.meta.dirname, 'origin.ts')]);
const { port: originPort } = await ready(origin);
const contenders: Contender[] = [
  facadeWith('facade', await routesFile(200)),
  ...peersBefore(originPort, folder),
  facadeWith('facade-10-routes', await routesFile(10)),
  facadeWith('facade-10000-routes', await routesFile(10_000)),
].filter(({ name }) => values.only === undefined || values.only.includes(name));

console.error(
  `1 KB JSON GET, ${connections} connections, ${rounds} rounds of ${seconds} s each; ` +
    (canPin
      ? 'the proxy on one core, load and origin on another'
      : 'not pinned: taskset or a second core is missing'),
);

const measured = new Map<string, Measured>(
  contenders.map(({ name }) => [name, { name, perSecond: [], p99: [], direct: [] }]),
);
const path200 = routesWith(200, originPort).path;
try {
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      const one = measured.get(contender.name) as Measured;
      const running = await contender.start();
      // What is measured is a process that has been running for a while, under load of either kind: until then the
      // compiler of V8 shares the core with what it compiles.
      const warm = await fullLoad(running.port, path200, connections, 3);
      await pacedLoad(running.port, path200, { rate: warm / 3, connections, seconds: 4 });
      const perSecond = await fullLoad(running.port, path200, connections, seconds);
      one.perSecond.push(perSecond);
      const paced = { rate: perSecond / 3, connections, seconds: Math.min(seconds, 3) };
      await pacedLoad(running.port, path200, { ...paced, seconds: 5 });
      one.p99.push(percentile(await pacedLoad(running.port, path200, paced), 0.99));
      one.direct.push(percentile(await pacedLoad(originPort, path200, paced), 0.99));
      await stop(running.process);
      console.error(`round ${round}/${rounds} ${contender.name}: ${Math.round(perSecond)}/s`);
    }
  }
} finally {
  await stop(origin);
  await rm(folder, { recursive: true, force: true });
}

const results = [...measured.values()];
console.log(throughputTable(results));
await report(results);

async function routesFile(count: number): Promise<string> {
  const file = path.join(folder, `routes-${count}.yaml`);
  await writeFile(file, routesWith(count, originPort).text);
  return file;
}

async function report(results: readonly Measured[]): Promise<void> {
  const facade = results.find(({ name }) => name === 'facade');
  if (facade === undefined) return;
  const ratios = Object.fromEntries(
    results
      .filter(({ name }) => name !== 'facade')
      .map((other) => [
        other.name,
        median(facade.perSecond.map((value, round) => value / (other.perSecond[round] ?? 0))),
      ]),
  );
  const file = path.join(import.meta.dirname, '..', 'results', 'facade.json');
  await mkdir(path.dirname(file), { recursive: true });
  const content = {
    ratios,
    spread: Object.fromEntries(
      results.filter(({ name }) => name !== 'facade').map((other) => [other.name, spread(facade, other)]),
    ),
    p99AddedMilliseconds: Object.fromEntries(
      results.map((one) => [
        one.name,
        median(one.p99.map((value, round) => value - (one.direct[round] ?? 0))),
      ]),
    ),
    conditions: {
      rounds,
      seconds,
      connections,
      cores: coreCount,
      pinned: canPin,
      node: process.version,
    },
  };
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
  console.error(`written to ${path.relative(process.cwd(), file)}`);
}
