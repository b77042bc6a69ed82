import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';

/** How long to wait after the given number of attempts that failed in a row, in milliseconds. */
export function retryDelay(code: string, failures: number): number {
  // A table that is about to be made is waited for closely: at start-up everybody waits for us.
  if (code === 'tables_missing') return Math.min(1_000, 100 * 2 ** (failures - 1));
  if (code === 'feed_moved') return 50;
  const longest = ['declaration_refused', 'capture_missing'].includes(code) ? 5_000 : 30_000;
  // Jitter keeps several groups from finding a returned database at the same moment.
  return Math.min(longest, 500 * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
}

/** How long in all a locked database is waited for before it is reported, in milliseconds. */
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
