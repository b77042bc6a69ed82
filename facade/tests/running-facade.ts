import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { RoutesReport } from '../admin/routes-report.ts';
import type { Recorder } from '../compare/recorder.ts';
import { type Facade, startFacade } from '../facade.ts';
import { type LogLine, memoryLog } from './memory-log.ts';

/** A facade in this process, with a routes.yaml of its own. */
export interface RunningFacade extends Facade {
  readonly url: string;
  readonly adminUrl: string;
  readonly routesFile: string;
  readonly log: readonly LogLine[];
  /** Resolves with the first line, past or to come, of which the predicate holds. */
  logged(holds: (line: LogLine) => boolean): Promise<LogLine>;
  routes(): Promise<RoutesReport>;
  metrics(): Promise<string>;
  /** Replaces routes.yaml as editors do: a new file is written and renamed over it. */
  replaceRoutes(yaml: string): Promise<void>;
}

/** Starts a facade; it is closed when the test, or the hook's file, is done. */
export async function startRunningFacade(
  yaml: string,
  options: {
    env?: Record<string, string>;
    host?: string;
    recorder?: Recorder;
    closeAfterTest?: boolean;
    tlsPort?: number;
  } = {},
): Promise<RunningFacade> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facade-'));
  const routesFile = path.join(folder, 'routes.yaml');
  await writeFile(routesFile, yaml);
  const { lines, logger, logged } = memoryLog();
  const facade = await startFacade({
    routesFile,
    host: options.host ?? '127.0.0.1',
    port: 0,
    adminPort: 0,
    tlsPort: options.tlsPort ?? 0,
    env: options.env ?? {},
    log: logger,
    ...(options.recorder === undefined ? {} : { recorder: options.recorder }),
  });
  const close = async (deadline?: number) => {
    await facade.close(deadline);
    await rm(folder, { recursive: true, force: true });
  };
  if (options.closeAfterTest ?? true) onTestFinished(() => close(100));
  const adminUrl = `http://127.0.0.1:${facade.adminPort}`;
  return {
    ...facade,
    close,
    url: `http://127.0.0.1:${facade.port}`,
    adminUrl,
    routesFile,
    log: lines,
    logged,
    routes: async () => (await (await fetch(`${adminUrl}/api/routes`)).json()) as RoutesReport,
    metrics: async () => (await fetch(`${adminUrl}/metrics`)).text(),
    async replaceRoutes(text) {
      await writeFile(`${routesFile}.new`, text);
      await rename(`${routesFile}.new`, routesFile);
    },
  };
}

/** A facade before one backend, `origin`, to which everything goes. */
export function startFacadeBefore(
  originPort: number,
  settings: { timeouts?: string; servedBy?: boolean; host?: string } = {},
): Promise<RunningFacade> {
  const timeouts = settings.timeouts ?? '{ connect: 500ms, request: 5s, idle: 5s }';
  return startRunningFacade(`version: 1
servedBy: ${settings.servedBy ?? true}
backends:
  origin: { url: http://127.0.0.1:${originPort}, timeouts: ${timeouts}${settings.host ? `, host: ${settings.host}` : ''} }
routes:
  - { name: all, match: { path: /* }, to: origin }
`);
}

/** Header lines of a request that were sent, as a backend gets them. */
export const passedToBackend = (lines: readonly string[]): readonly string[] => lines;

/** Header lines of a backend's answer, as the client gets them. */
export const passedToClient = (lines: readonly string[]): readonly string[] => lines;
