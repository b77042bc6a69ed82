import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
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
  await rm(fileIn(dataDir), { force: true });
}

function fileIn(dataDir: string): string {
  return path.join(dataDir, 'running.json');
}
