import { startFacade } from '@strangler-fig/facade/facade';
import { createLog } from '@strangler-fig/kernel/log';

// The facade as it is shipped, with what a route has by default switched on. Its log goes to standard output,
// which the benchmark reads and drops.
const facade = await startFacade({
  routesFile: process.env.ROUTES_FILE ?? '',
  port: 0,
  adminPort: 0,
  log: createLog('facade'),
});
process.send?.({ type: 'ready', port: facade.port, adminPort: facade.adminPort });
process.on('disconnect', () => process.exit());
