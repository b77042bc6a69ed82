import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.ts';
import { type Configuration, ConfigurationError, readConfiguration } from './configuration.ts';
import { type Database, DatabaseUrlError, openDatabase } from './db/database.ts';
import { scheduleNightly } from './jobs/nightly.ts';
import { isEmpty, seed } from './seed.ts';

/** Requests still under way this long after the signal are cut off, and what hangs even then is left. */
const CUT_OFF_MS = 8_000;
const GIVE_UP_MS = 9_500;

try {
  await start(readConfiguration(process.env));
} catch (error) {
  if (error instanceof ConfigurationError || error instanceof DatabaseUrlError) {
    fail(`cannot start: ${error.message}. ${error.hint}`, 2);
  }
  throw error;
}

async function start(configuration: Configuration): Promise<void> {
  const { host, port, sessionSecret, uploadsDir, nightlySchedule, seedScale } = configuration;
  let stop = async () => process.exit(0); // nothing to finish yet
  process.on('SIGTERM', () => stop());
  process.on('SIGINT', () => stop());
  if (process.connected) process.on('disconnect', () => stop()); // whoever started this is gone

  const db = await open(configuration.databaseUrl);
  if (seedScale !== undefined && (await isEmpty(db))) await seed(db, { scale: seedScale });
  await mkdir(uploadsDir, { recursive: true });

  const { app, feed } = createApp({ db, sessionSecret, uploadsDir, log: console });
  const server = createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      // Clients offer other protocols too (curl --http2 offers h2c on every request): those are plain requests.
      shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
    },
    app,
  );
  feed.attach(server);
  await listen(server, host, port);
  const stopNightly = scheduleNightly(nightlySchedule, { db, feed, log: console });

  stop = async () => {
    stop = () => new Promise(() => undefined); // once is enough
    setTimeout(() => server.closeAllConnections(), CUT_OFF_MS).unref();
    setTimeout(() => process.exit(1), GIVE_UP_MS).unref();
    feed.close();
    await closed(server);
    await stopNightly();
    await db.close();
    process.exit(0);
  };

  const address = server.address() as AddressInfo;
  console.log(`legacy-monolith listening on http://${host}:${address.port}`);
  process.send?.({ type: 'ready', port: address.port });
}

async function open(url: string): Promise<Database> {
  try {
    return await openDatabase(url);
  } catch (error) {
    if (error instanceof DatabaseUrlError) throw error;
    return fail(`cannot open its database: ${describe(error)}. Check LEGACY_DATABASE_URL.`, 1);
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const reason = inUse ? 'the port is in use' : describe(error);
    fail(
      `cannot listen on ${host}:${port}: ${reason}. Set MONOLITH_PORT to another port (0 for any free one).`,
      1,
    );
  }
}

/** Takes no more requests and resolves when those under way are answered. */
async function closed(server: Server): Promise<void> {
  const end = new Promise((resolve) => server.close(resolve));
  // A kept-alive connection is idle again after its last answer, and would stay open until it times out.
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  await end;
  clearInterval(idle);
}

/** One line that says why, and the end. */
function fail(message: string, exitCode: number): never {
  console.error(`legacy-monolith ${message}`);
  process.exit(exitCode);
}

/** PostgreSQL's refusals of several addresses come as one error without a message. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
