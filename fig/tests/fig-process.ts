import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

const figFile = path.join(import.meta.dirname, '..', 'fig.js');

/** A finished run of the command line. */
export interface FigRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `fig` as a user does, in a process of its own, to its end. */
export async function runFig(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<FigRun> {
  const child = spawnFig(args, options);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data) => {
    stdout += String(data);
  });
  child.stderr?.on('data', (data) => {
    stderr += String(data);
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** A `fig serve --json` that runs. */
export interface FigServe {
  readonly ready: { readonly url: string; readonly adminUrl: string };
  /** Stops it by SIGTERM and gives its exit code. */
  stop(): Promise<number | null>;
}

/** Starts `fig serve … --json` and waits for its line that says where it listens. */
export async function startFig(args: readonly string[], env: Record<string, string> = {}): Promise<FigServe> {
  const child = spawnFig(args, { env });
  let stdout = '';
  let stderr = '';
  child.stderr?.on('data', (data) => {
    stderr += String(data);
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const ready = await new Promise<FigServe['ready']>((resolve, reject) => {
    child.stdout?.on('data', (data) => {
      stdout += String(data);
      if (stdout.includes('\n')) resolve(JSON.parse(stdout) as FigServe['ready']);
    });
    void exited.then(() => reject(new Error(`fig ended before it was ready:\n${stderr}`)));
  });
  return {
    ready,
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

function spawnFig(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> },
): ChildProcess {
  return spawn(process.execPath, [figFile, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
