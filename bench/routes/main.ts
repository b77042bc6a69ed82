import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cores, ready, startPinned, stop } from '../facade/pinned.ts';
import { routesWith } from '../facade/routes-files.ts';
import { median } from '../facade/table.ts';
import { Requests } from './requests.ts';

// node bench/routes.js [--routes 10000 --rounds 5]: how long a large routes.yaml takes to load, and to load again while
// requests go on; beside parsing its text as one YAML document, in the same rounds. What counts are the ratios.

const { values } = parseArgs({
  options: {
    routes: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '16' },
  },
});

interface Timed {
  readonly milliseconds: number;
  /** Milliseconds for which the event loop did nothing else at a time. */
  readonly blocked: number;
  /** Milliseconds of the slowest request meanwhile. */
  readonly slowest: number;
}

const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
const file = path.join(folder, 'routes.yaml');
const origin = startPinned(cores.load, process.execPath, [
  path.join(import.meta.dirname, '../facade/origin.ts'),
]);
const { text, path: asked } = routesWith(Number(values.routes), (await ready(origin)).port);
const edits: Record<string, (round: number) => string> = {
  'one word edited': (round) => text.replace(/to: origin/, round % 2 === 0 ? 'to: other' : 'to: origin'),
  'one line more at the top': (round) => '# a comment\n'.repeat(round + 1) + text,
  'one route more': (round) =>
    text.replace('routes:\n', `routes:\n  - { name: more, match: { path: /more/${round} }, to: other }\n`),
  'every route changed': (round) => text.replaceAll('name: area-', `name: area-${round}-`),
  'a bracket lost': (round) => text.replace("path: '/api/area400/list', method: GET }", `method: ${round}`),
};

const whole: number[] = [];
const first: number[] = [];
const again = new Map<string, Timed[]>(Object.keys(edits).map((name) => [name, []]));
let failed = 0;
try {
  await writeFile(file, withOther(text));
  for (let round = 0; round < Number(values.rounds); round++) {
    whole.push(await firstLoad('whole'));
    first.push(await firstLoad('facade'));
  }
  // Not pinned: a file that cannot be read in slices is read by a thread, which takes another core where there is one.
  const facade = fork(path.join(import.meta.dirname, 'facade.ts'), [file]);
  const { port } = await ready(facade);
  const requests = new Requests(port, asked, Number(values.connections));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, edit] of Object.entries(edits)) {
      again.get(name)?.push(await reload(facade, requests, edit(round)));
      // Back to where it was: an edit that is not counted.
      await reload(facade, requests, `${text}# ${name} ${round}\n`);
    }
  }
  await requests.stop();
  failed = requests.failed;
  await stop(facade);
} finally {
  await stop(origin);
  await rm(folder, { recursive: true, force: true });
}

const size = `${values.routes} routes, ${Math.round(text.length / 1024)} KiB`;
const rows = [
  [size, 'time', 'to parsing as a whole', 'loop blocked', 'slowest request'],
  ['yaml.parseDocument of the text', `${Math.round(median(whole))} ms`, '1', 'as long', ''],
  ['first load', `${Math.round(median(first))} ms`, ratio(median(first)), 'as long', ''],
  ...[...again].map(([name, timed]) => {
    const of = (key: keyof Timed) => median(timed.map((one) => one[key]));
    return [
      `reload: ${name}`,
      `${Math.round(of('milliseconds'))} ms`,
      ratio(of('milliseconds')),
      `${Math.round(of('blocked'))} ms (most ${Math.round(Math.max(...timed.map((one) => one.blocked)))})`,
      `${Math.round(of('slowest'))} ms`,
    ];
  }),
];
const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
for (const row of rows)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
console.log(`failed requests: ${failed}`);

function withOther(content: string): string {
  return content.replace('backends:\n', `backends:\n  other: { url: 'http://127.0.0.1:9' }\n`);
}

function ratio(milliseconds: number): string {
  return (milliseconds / median(whole)).toFixed(2);
}

async function firstLoad(way: string): Promise<number> {
  const child = startPinned(cores.proxy, process.execPath, [
    path.join(import.meta.dirname, 'first-load.ts'),
    way,
    file,
  ]);
  const [{ milliseconds }] = (await once(child, 'message')) as [{ milliseconds: number }];
  await stop(child);
  return milliseconds;
}

async function reload(facade: ChildProcess, requests: Requests, content: string): Promise<Timed> {
  requests.slowest = 0;
  facade.send(withOther(content));
  const [{ milliseconds, blocked }] = (await once(facade, 'message')) as [Timed];
  return { milliseconds, blocked, slowest: requests.slowest };
}
