import path from 'node:path';
import { Failure } from '@strangler-fig/kernel/failure';
import { createLog } from '@strangler-fig/kernel/log';
import { portSetting } from '@strangler-fig/kernel/port-setting';
import { reportReady, shutDownOnSignal } from '@strangler-fig/kernel/shutdown';
import type { Command } from 'commander';

interface ServeOptions {
  readonly routes: string;
  readonly port: string;
  readonly adminPort?: string;
  readonly host: string;
  readonly json?: boolean;
}

/** `fig serve`: the facade alone, in front of any application. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .summary('run the facade alone, in front of any application')
    .description(
      'Runs the facade alone, in front of any application. Edits of the routes file take effect at once.',
    )
    .requiredOption('--routes <file>', 'the routes.yaml to follow')
    .requiredOption('--port <number>', 'port for traffic, 0 for any free one')
    .option('--admin-port <number>', 'port for health, metrics and reports (default: traffic port + 1)')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--json', 'print one JSON object with the addresses when ready; logs go to standard error')
    .addHelpText(
      'after',
      `
The log goes to standard output: readable lines on a terminal, one JSON object a line for a file, a pipe or a
container. LOG_LEVEL (default info) says how much of it. With OTEL_EXPORTER_OTLP_ENDPOINT, spans go to a collector.

Examples:
  fig serve --routes routes.yaml --port 8080
  fig serve --routes shop.yaml --port 9000 --admin-port 9900
  fig serve --routes routes.yaml --port 0 --json`,
    )
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const port = portSetting(options.port, '--port', 0);
  // Loaded here, because the other commands need neither a server nor its second of start-up.
  const { startFacade } = await import('@strangler-fig/facade/facade');
  const facade = await startFacade({
    routesFile: path.resolve(options.routes),
    host: options.host,
    port,
    adminPort: adminPortFor(options.adminPort, port),
    log: createLog('facade', { toStderr: options.json === true }),
    portSettings: { port: '--port', adminPort: '--admin-port' },
  });
  shutDownOnSignal(() => facade.close());
  const url = `http://${options.host}:${facade.port}`;
  const adminUrl = `http://${options.host}:${facade.adminPort}`;
  if (options.json) process.stdout.write(`${JSON.stringify({ url, adminUrl, pid: process.pid })}\n`);
  else process.stderr.write(`facade on ${url}, admin on ${adminUrl}, following ${options.routes}\n`);
  reportReady(facade.port, { adminPort: facade.adminPort });
}

/** One above the traffic port, so that several facades run side by side; any free one where that is any too. */
function adminPortFor(given: string | undefined, port: number): number {
  if (given !== undefined) return portSetting(given, '--admin-port', 0);
  if (port === 0) return 0;
  if (port < 65_535) return port + 1;
  throw new Failure('port_invalid', '--port 65535 leaves no port above it for the admin server.', {
    hint: 'Give --admin-port.',
    exitCode: 2,
  });
}
