import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { listening } from '../../tests/origins.ts';

/** Why there is no Redis to test with; undefined where there is one. */
export const noRedis: string | undefined = (() => {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'redis-server is not on PATH: the tests of shared rate limits are skipped (apt-get install redis-server)';
  }
})();

/** A Redis of the test's own, without a file to its name. */
export class TestRedis {
  readonly port: number;
  readonly url: string;
  readonly #arguments: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, password: string | undefined) {
    const folder = mkdtempSync(path.join(tmpdir(), 'redis-'));
    this.port = port;
    this.url = `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`;
    this.#arguments = [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--appendonly', 'no'],
      ...(password === undefined ? [] : ['--requirepass', password]),
    ];
    onTestFinished(async () => {
      await this.kill();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  static async start(password?: string): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), password);
    await redis.start();
    return redis;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const child = spawn('redis-server', this.#arguments, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    let said = '';
    for await (const piece of child.stdout) {
      said += piece;
      if (said.includes('Ready to accept connections')) break;
    }
    if (child.exitCode !== null) throw new Error(`redis-server did not start: ${said}`);
  }

  /** Ends it without a word, and with all that it knows. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** It keeps its connections and says nothing. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** What it answers to a command. */
  ask(...command: string[]): string {
    const { port, password } = new URL(this.url);
    return execFileSync('redis-cli', ['-p', port, ...command], {
      encoding: 'utf8',
      env: password === '' ? process.env : { ...process.env, REDISCLI_AUTH: password },
    });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
