import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express, { type Express } from 'express';
import { onTestFinished } from 'vitest';
import { type LogLine, memoryLog } from '../../tests/memory-log.ts';
import { listening } from '../../tests/origins.ts';
import { type Strangler, type StranglerOptions, strangler } from '../strangler.ts';

export interface ApplicationSettings extends Partial<StranglerOptions> {
  /** Builds the application around the middleware. Default: mounted first, and `own <url>` for the rest. */
  readonly build?: (app: Express, strangled: Strangler) => void;
  /** Listens on this port. Default any free one. */
  readonly port?: number;
}

/** An Express application in this process that has the facade in it, with a routes.yaml of its own. */
export interface RunningApplication {
  readonly port: number;
  readonly url: string;
  readonly server: Server;
  readonly strangled: Strangler;
  readonly routesFile: string;
  readonly log: readonly LogLine[];
  /** Resolves with the first line, past or to come, of which the predicate holds. */
  logged(holds: (line: LogLine) => boolean): Promise<LogLine>;
  metrics(): Promise<string>;
  /** Replaces routes.yaml as editors do: a new file is written and renamed over it. */
  replaceRoutes(yaml: string): Promise<void>;
  close(deadline?: number): Promise<void>;
}

/** Starts an application; it is closed when the test is done. */
export async function startApplication(
  yaml: string,
  { build = ownRest, port = 0, ...options }: ApplicationSettings = {},
): Promise<RunningApplication> {
  const folder = await mkdtemp(path.join(tmpdir(), 'embedded-'));
  const routesFile = path.join(folder, 'routes.yaml');
  await writeFile(routesFile, yaml);
  const { lines, logger, logged } = memoryLog();
  const strangled = strangler({ routes: routesFile, env: {}, log: logger, ...options });
  const app = express();
  build(app, strangled);
  const server = createServer(app);
  server.on('upgrade', (request, socket, head) => {
    if (!strangled.upgrade(request, socket, head)) socket.end('HTTP/1.1 426 Upgrade Required\r\n\r\n');
  });
  const bound = await listening(server, port);
  const close = async (deadline = 100) => {
    const closed = new Promise((resolve) => server.close(resolve));
    await strangled.close(deadline);
    server.closeAllConnections();
    await closed;
    await rm(folder, { recursive: true, force: true });
  };
  onTestFinished(() => close());
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    server,
    strangled,
    routesFile,
    log: lines,
    logged,
    metrics: strangled.metrics,
    async replaceRoutes(text) {
      await writeFile(`${routesFile}.new`, text);
      await rename(`${routesFile}.new`, routesFile);
    },
    close,
  };
}

function ownRest(app: Express, strangled: Strangler): void {
  app.use(strangled);
  app.use((request, response) => void response.send(`own ${request.url}`));
}
