import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A service that runs as a process of its own, as it does in production. */
export interface ServiceProcess {
  /** http://127.0.0.1:<port> */
  url: string;
  port: number;
  child: ChildProcess;
  /** What it wrote so far to stdout and stderr. */
  output(): string;
  /** Sends a signal (SIGTERM unless given) and answers the exit code, null when a signal killed it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** How a process ended that never became ready. */
export interface FailedStart {
  code: number | null;
  stderr: string;
}

/** The secret that test processes share. */
export const testSecret = 'a secret for tests, 32 characters or more';

/** Starts a server.js on a free port and waits until it is ready; throws when it ends before. */
export async function startService(entry: string, env: Record<string, string>): Promise<ServiceProcess> {
  const { child, output, stderr } = launch(entry, env);
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message: { port: number }) => resolve(message.port));
    child.once('exit', (code) => reject(new Error(`${entry} ended with ${code}: ${stderr()}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    child,
    output,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      const [code] = await ended;
      return code as number | null;
    },
  };
}

/** Starts a server.js that is expected to refuse to run, and answers how it ended. */
export async function failToStart(entry: string, env: Record<string, string>): Promise<FailedStart> {
  const { child, stderr } = launch(entry, env);
  const [code] = await once(child, 'close');
  return { code: code as number | null, stderr: stderr() };
}

function launch(entry: string, env: Record<string, string>) {
  const child = fork(entry, [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH ?? '', IDENTITY_SECRET: testSecret, LOG_LEVEL: 'warn', ...env },
  });
  const stdout: string[] = [];
  const stderr: string[] = [];
  child.stdout?.on('data', (chunk) => stdout.push(String(chunk)));
  child.stderr?.on('data', (chunk) => stderr.push(String(chunk)));
  return {
    child,
    output: () => stdout.join('') + stderr.join(''),
    stderr: () => stderr.join(''),
  };
}
