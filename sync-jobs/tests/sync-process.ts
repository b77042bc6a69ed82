import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** sync-jobs as a real process. */
export interface SyncProcess {
  child: ChildProcess;
  /** Its log so far, line by line. */
  log: Record<string, unknown>[];
  stderr(): string;
  /** Resolves with the first log line, old or new, that matches. */
  logged(matches: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** Resolves with the port when the process says that it is ready. */
  ready: Promise<number>;
  /** Resolves with the port when the control API listens. */
  listening(): Promise<number>;
  /** Resolves with the exit code. */
  exited: Promise<number | null>;
  /** The same, when its output is complete. Node never says so after `child.disconnect()`. */
  closed: Promise<number | null>;
}

/** Starts it on any free port. */
export function startSync(environment: Record<string, string>): SyncProcess {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../server.js')], {
    env: { SYNC_PORT: '0', SYNC_INSTALL: 'auto', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const log: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  let rest = '';
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    log.push(...lines.map((line) => JSON.parse(line) as Record<string, unknown>));
    for (const look of waiting) look();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const logged: SyncProcess['logged'] = (matches) =>
    new Promise((resolve) => {
      const look = () => {
        const found = log.find(matches);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return {
    child,
    log,
    stderr: () => stderr,
    logged,
    ready: once(child, 'message').then(([message]) => (message as { port: number }).port),
    listening: async () => (await logged((line) => line.msg === 'sync-jobs listens')).port as number,
    exited: once(child, 'exit').then(([code]) => code as number | null),
    closed: once(child, 'close').then(([code]) => code as number | null),
  };
}
