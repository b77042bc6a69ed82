import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { canPin, cores, installed } from './pinned.ts';

/** Requests a second at full load. */
export async function fullLoad(
  port: number,
  path: string,
  connections: number,
  seconds: number,
): Promise<number> {
  const url = `http://127.0.0.1:${port}${path}`;
  return installed('wrk') ? withWrk(url, connections, seconds) : withAutocannon(url, connections, seconds);
}

async function withWrk(url: string, connections: number, seconds: number): Promise<number> {
  const output = await outputOf('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, url]);
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`failed requests:\n${output}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]);
}

async function withAutocannon(url: string, connections: number, seconds: number): Promise<number> {
  const file = new URL(import.meta.resolve('autocannon')).pathname;
  const args = [file, '-c', String(connections), '-d', String(seconds), '-j', '-n', url];
  const result = JSON.parse(await outputOf(process.execPath, args)) as {
    requests: { average: number };
    non2xx: number;
    errors: number;
  };
  if (result.non2xx + result.errors > 0) throw new Error(`${result.non2xx + result.errors} failed requests`);
  return result.requests.average;
}

function outputOf(command: string, args: readonly string[]): Promise<string> {
  const [file, ...rest] = canPin
    ? ['taskset', '-c', String(cores.load), command, ...args]
    : [command, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(file as string, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += String(data);
    });
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${command} ended with ${code}`)),
    );
  });
}

/** Milliseconds by which this process may be late before the schedule moves. */
const LATE_AT_MOST = 3;

/**
 * Latencies in milliseconds at a steady rate. What falls due within a millisecond is sent together, so that this
 * process sleeps in between and leaves its core to the origin; a request that has to wait for a connection is late
 * from the moment at which it should have been sent. Where this process itself was held up, the schedule moves: what it
 * could not send is not sent all at once, which would measure how fast a queue of our making is worked off.
 */
export async function pacedLoad(
  port: number,
  path: string,
  options: { readonly rate: number; readonly connections: number; readonly seconds: number },
): Promise<Float64Array> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: bench\r\n\r\n`);
  const idle: Paced[] = [];
  const due: number[] = [];
  const latencies: number[] = [];
  const done = (connection: Paced, latency: number) => {
    latencies.push(latency);
    const next = due.shift();
    if (next === undefined) idle.push(connection);
    else connection.send(request, next);
  };
  const all = await Promise.all(
    Array.from({ length: options.connections }, () =>
      Paced.connect(port, (one, latency) => done(one, latency)),
    ),
  );
  idle.push(...all);
  const total = Math.round(options.rate * options.seconds);
  const burst = Math.max(1, Math.floor((options.rate / 1000) * LATE_AT_MOST));
  let start = performance.now();
  for (let sent = 0; sent < total; ) {
    const behind = ((performance.now() - start) / 1000) * options.rate - sent - burst;
    if (behind > 0) start += (behind / options.rate) * 1000;
    const shouldHave = Math.min(total, Math.floor(((performance.now() - start) / 1000) * options.rate));
    for (; sent < shouldHave; sent++) {
      const at = performance.now();
      const connection = idle.pop();
      if (connection === undefined) due.push(at);
      else connection.send(request, at);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const deadline = performance.now() + 5_000;
  while (latencies.length < total && performance.now() < deadline) await new Promise((r) => setTimeout(r, 5));
  for (const connection of all) connection.close();
  return Float64Array.from(latencies).sort();
}

/** One kept connection that has at most one request under way. */
class Paced {
  readonly #socket: Socket;
  #left = 0;
  #due = 0;

  private constructor(socket: Socket, done: (connection: Paced, latency: number) => void) {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      if (this.#left === 0) {
        const head = data.indexOf('\r\n\r\n');
        const length = Number(/content-length: (\d+)/i.exec(data.subarray(0, head).toString('latin1'))?.[1]);
        this.#left = head + 4 + length;
      }
      this.#left -= data.length;
      if (this.#left === 0) done(this, performance.now() - this.#due);
    });
  }

  static connect(port: number, done: (connection: Paced, latency: number) => void): Promise<Paced> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () =>
        resolve(new Paced(socket, done)),
      );
      socket.once('error', reject);
    });
  }

  send(request: Buffer, due: number): void {
    this.#due = due;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** The value below which a share of sorted values lies. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
