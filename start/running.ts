import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from '@strangler-fig/kernel/failure';
import type { System } from './system.ts';

/** What running.json says: where the system in a data folder is, for programs that want to find it. */
export interface Running {
  /** The launcher's process id. */
  readonly pid: number;
  readonly adminUrl: string;
  readonly processes: Readonly<Record<string, { readonly url: string; readonly pid: number | undefined }>>;
}

/** Writes running.json into the data folder; it is there exactly while everything runs. */
export async function noteRunning(dataDir: string, system: System): Promise<void> {
  const processes = [...system.children].map(([name, child]) => [
    name,
    { url: system.url(name), pid: child.pid },
  ]);
  const running: Running = {
    pid: process.pid,
    adminUrl: system.adminUrl,
    processes: Object.fromEntries(processes),
  };
  await writeFile(fileIn(dataDir), `${JSON.stringify(running, null, 2)}\n`);
}

export async function noteStopped(dataDir: string): Promise<void> {
  if ((await runningIn(dataDir))?.pid === process.pid) await rm(fileIn(dataDir), { force: true });
}

/**
 * Two systems on the same files would both sell the same tickets.
 * @throws Failure `already_running` where another launcher has the folder.
 */
export async function refuseSecond(dataDir: string): Promise<void> {
  const other = await runningIn(dataDir);
  if (other === undefined || !isAlive(other.pid)) return;
  throw new Failure(
    'already_running',
    `A system is running on ${dataDir} already (process ${other.pid}, facade admin on ${other.adminUrl}).`,
    { hint: 'Stop it, or set DATA_DIR to another folder.' },
  );
}

async function runningIn(dataDir: string): Promise<Running | undefined> {
  try {
    return JSON.parse(await readFile(fileIn(dataDir), 'utf8')) as Running;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It exists, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function fileIn(dataDir: string): string {
  return path.join(dataDir, 'running.json');
}
