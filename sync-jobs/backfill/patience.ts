import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';

/** How long in all a locked database is waited for before the pass gives up, in milliseconds. */
const longestWait = 10_000;

/** Tries again, without blocking the process, while a database says that it is busy. */
export async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const started = performance.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const busy = error instanceof Failure && error.code === 'store_busy';
      if (!busy || performance.now() - started > longestWait) throw error;
      // Spread out, so that two waiting processes do not meet again and again.
      await delay(Math.min(500, 10 * 2 ** attempt) * (0.5 + Math.random()), undefined, { signal });
    }
  }
}
