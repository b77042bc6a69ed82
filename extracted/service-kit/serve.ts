import type { AddressInfo } from 'node:net';
import { ConfigurationError } from './environment.ts';
import type { Service } from './service.ts';

/** What a service's entry hands over to run as a process. */
export interface Process {
  app: Service;
  host: string;
  port: number;
}

const shutdownDeadlineMs = 8000;

/**
 * Runs a service as this process; only entries call it, nothing else in the kit prints or exits. `start` reads
 * the environment and builds the service. Once it listens and is ready it tells the parent, if there is one
 * (`{ type: 'ready', port }`). SIGTERM, SIGINT or the parent's death: readiness fails first, requests in flight
 * are finished, exit 0; after 8 s what is left is cut off. Exit 1: cannot listen or start; 2: configuration.
 */
export async function serve(
  name: string,
  portVariable: string,
  start: () => Promise<Process>,
): Promise<void> {
  let running: Process;
  try {
    running = await start();
  } catch (error) {
    if (error instanceof ConfigurationError) return exitWith(2, `${name}: ${error.message}`);
    return exitWith(1, `${name} could not start: ${oneLine(error)}`);
  }
  const { app, host, port } = running;
  try {
    await app.listen({ host, port });
  } catch (error) {
    const line =
      (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        ? `${name} cannot listen on ${host}:${port}: the port is in use. Set ${portVariable} to another port (0 for any free one).`
        : `${name} cannot listen on ${host}:${port}: ${oneLine(error)}`;
    await app.close().catch(() => {});
    return exitWith(1, line);
  }
  shutDownOnSignal(app);
  process.send?.({ type: 'ready', port: (app.server.address() as AddressInfo).port });
}

function shutDownOnSignal(app: Service): void {
  let started = false;
  const shutDown = async () => {
    if (started) return;
    started = true;
    app.failReadiness();
    app.log.info('shutting down');
    setTimeout(() => {
      app.log.error('requests were still in flight at the deadline; they are cut off');
      process.exit(0);
    }, shutdownDeadlineMs).unref();
    try {
      await app.close();
    } catch (error) {
      app.log.error({ err: error }, 'shutdown failed');
    }
    process.exit(0);
  };
  process.once('SIGTERM', shutDown);
  process.once('SIGINT', shutDown);
  process.once('disconnect', shutDown);
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');
}

function exitWith(code: number, line: string): void {
  process.stderr.write(`${line}\n`, () => process.exit(code));
}
