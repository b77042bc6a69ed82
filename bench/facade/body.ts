import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bytes, read } from './bodies.ts';
import { facadeWith } from './contenders.ts';
import { ResidentMemory } from './memory.ts';
import { cores, ready, startPinned, stop } from './pinned.ts';
import { aligned } from './table.ts';

// npm run bench:body [-- --mebibytes 1024 --slow 64 --target 32]: what a long body costs the facade in memory, each
// way, with a reader that is fast and one that takes so many MiB a second. Each case has a facade of its own, which
// has answered a thousand small requests before. Exit code 1 where it costs more MiB than the target.

const { values } = parseArgs({
  options: {
    mebibytes: { type: 'string', default: '1024' },
    slow: { type: 'string', default: '64' },
    target: { type: 'string', default: '32' },
  },
});
const mebibyte = 1024 * 1024;
const length = Number(values.mebibytes) * mebibyte;
const slow = Number(values.slow) * mebibyte;

const folder = await mkdtemp(path.join(tmpdir(), 'bench-body-'));
const origin = startPinned(cores.load, process.execPath, [
  path.join(import.meta.dirname, 'bodies-origin.ts'),
]);
const { port: originPort } = await ready(origin);
const routesFile = path.join(folder, 'routes.yaml');
await writeFile(
  routesFile,
  `version: 1
accessLog: { sample: 1% }
backends: { origin: { url: 'http://127.0.0.1:${originPort}', timeouts: { request: 10m } } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`,
);
const facade = facadeWith('facade', routesFile);

const cases: Readonly<Record<string, (port: number) => Promise<number>>> = {
  'down, fast reader': (port) => download(port, undefined),
  'down, slow reader': (port) => download(port, slow),
  'up, fast reader': (port) => upload(port, 0),
  'up, slow reader': (port) => upload(port, slow),
};

const rows: string[][] = [];
let most = 0;
try {
  for (const [name, carry] of Object.entries(cases)) {
    console.error(name);
    const { port, process: child } = await facade.start();
    for (let small = 0; small < 1000; small++) await read(await get(port, '/down/1024'));
    await sleep(500);
    const memory = new ResidentMemory(child.pid as number);
    const before = memory.now();
    memory.watch();
    const startedAt = performance.now();
    const carried = await carry(port);
    const seconds = (performance.now() - startedAt) / 1000;
    const growth = memory.peak() - before;
    await stop(child);
    if (carried !== length) throw new Error(`${name}: ${carried} of ${length} bytes arrived`);
    most = Math.max(most, growth);
    rows.push([
      name,
      inMebibytes(before),
      inMebibytes(growth),
      `${(length / mebibyte / seconds).toFixed(0)} MiB/s`,
    ]);
  }
} finally {
  await stop(origin);
  await rm(folder, { recursive: true, force: true });
}
console.log(aligned([[`${values.mebibytes} MiB`, 'memory before', 'growth at most', 'carried'], ...rows]));
const kept = most < Number(values.target) * mebibyte;
console.log(`${kept ? 'within' : 'BEYOND'} the target of ${values.target} MiB`);
if (!kept) process.exitCode = 1;

async function download(port: number, rate: number | undefined): Promise<number> {
  return read(await get(port, `/down/${length}`), rate);
}

async function get(port: number, target: string): Promise<IncomingMessage> {
  const asked = request({ port, host: '127.0.0.1', path: target }).end();
  const [answer] = await once(asked, 'response');
  return answer as IncomingMessage;
}

/** @param rate at which the origin reads; 0: as fast as it comes. */
async function upload(port: number, rate: number): Promise<number> {
  const headers = { 'content-length': length };
  const sent = request({ port, host: '127.0.0.1', path: `/up/${rate}`, method: 'POST', headers });
  const answered = once(sent, 'response');
  await pipeline(Readable.from(bytes(length)), sent);
  const [answer] = await answered;
  const pieces: Buffer[] = [];
  for await (const piece of answer as IncomingMessage) pieces.push(piece as Buffer);
  return Number(Buffer.concat(pieces).toString());
}

function inMebibytes(amount: number): string {
  return `${(amount / mebibyte).toFixed(1)} MiB`;
}
