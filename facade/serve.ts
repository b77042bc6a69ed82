import { availableParallelism } from 'node:os';
import path from 'node:path';
import { createLog } from '@strangler-fig/kernel/log';
import { portSetting } from '@strangler-fig/kernel/port-setting';
import { reportReady, runMain, shutDownOnSignal } from '@strangler-fig/kernel/shutdown';
import { startFacade } from './facade.ts';

await runMain(async () => {
  const { env } = process;
  const log = createLog('facade');
  if (availableParallelism() === 1 && !process.execArgv.includes('--single-threaded-gc')) {
    // V8 cannot be told once it runs, and NODE_OPTIONS does not take this flag.
    log.info(
      'one core: with `node --single-threaded-gc facade/server.js` collecting garbage does not take it away for 20 to 50 ms',
    );
  }
  const facade = await startFacade({
    routesFile: env.ROUTES_FILE ?? path.join(import.meta.dirname, '..', 'routes.yaml'),
    host: env.HOST ?? '127.0.0.1',
    port: portSetting(env.FACADE_PORT, 'FACADE_PORT', 8080),
    tlsPort: portSetting(env.FACADE_TLS_PORT, 'FACADE_TLS_PORT', 8443),
    adminPort: portSetting(env.FACADE_ADMIN_PORT, 'FACADE_ADMIN_PORT', 8081),
    log,
  });
  shutDownOnSignal(() => facade.close());
  const { port, adminPort, tlsPort } = facade;
  reportReady(port, { adminPort, ...(tlsPort === undefined ? {} : { tlsPort }) });
});
