import { createServer } from 'node:net';
import { Failure } from '@strangler-fig/kernel/failure';

/** Below the ports that systems hand out themselves (Linux from 32768, macOS and Windows from 49152). */
const lowest = 20_000;
const highest = 32_000;

/**
 * A port for a process whose address others must know before it starts: the one that is set, or instead of 0 one
 * that is free and stays so, because nobody is given it by chance.
 */
export async function reservePort(
  setting: string | undefined,
  fallback: number,
  host: string,
): Promise<string> {
  if (setting === undefined || setting === '') return String(fallback);
  if (setting !== '0') return setting;
  for (let tried = 0; tried < 50; tried++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isFree(port, host)) return String(port);
  }
  throw new Failure('no_free_port', `No free port was found from ${lowest} to ${highest}.`, {
    hint: 'Set FACADE_ADMIN_PORT and BOOKING_PORT to free ones.',
  });
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
