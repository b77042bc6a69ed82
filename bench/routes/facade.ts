import { rename, writeFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startFacade } from '@strangler-fig/facade/facade';
import type { Logger } from '@strangler-fig/kernel/log';

// A facade that edits its own routes.yaml when it is told to, and says how long it took to be in force (or refused)
// and for how long the event loop was blocked meanwhile.

const [file] = process.argv.slice(2) as [string];
let told = () => {};
const log = {
  debug() {},
  warn() {},
  info: (_: unknown, message: string) => message.includes('in force') && told(),
  error: (_: unknown, message: string) => message.includes('not valid') && told(),
  child: () => log,
} as unknown as Logger;

const facade = await startFacade({ routesFile: file, port: 0, adminPort: 0, log });
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('message', (text: string) => void edit(text));
process.on('disconnect', () => process.exit());
process.send?.({ port: facade.port });

async function edit(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  const done = new Promise<void>((resolve) => {
    told = resolve;
  });
  delay.reset();
  const start = performance.now();
  await rename(`${file}.new`, file);
  await done;
  const milliseconds = performance.now() - start;
  // What the edit leaves to be done counts too.
  await new Promise((resolve) => setTimeout(resolve, 100));
  process.send?.({ milliseconds, blocked: delay.max / 1e6 });
}
