import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** The core that the proxy under test has to itself, and the one for load and origin. */
export const cores = { proxy: 0, load: 1 };

/** How many there are, before anything is pinned. */
export const coreCount = availableParallelism();

/** Whether processes can be pinned here: taskset (util-linux) and two cores. */
export const canPin = coreCount > 1 && spawnSync('taskset', ['-V']).status === 0;

/** A process pinned to one core, where that can be had. */
export function startPinned(
  core: number,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): ChildProcess {
  const [file, ...rest] = canPin ? ['taskset', '-c', String(core), command, ...args] : [command, ...args];
  return spawn(file as string, rest, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** Leaves the proxy's core to the proxy: the paced load is sent by the benchmark's own process. */
export function pinOurselves(): void {
  if (canPin) spawnSync('taskset', ['-acp', String(cores.load), String(process.pid)], { stdio: 'ignore' });
}

/** What a process of Node says over its channel when it listens. */
export function ready(child: ChildProcess): Promise<{ port: number; adminPort?: number }> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as { port: number }));
    child.once('exit', (code) => reject(new Error(`a process of the benchmark ended with ${code}`)));
  });
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Whether a program is on PATH. */
export function installed(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}
