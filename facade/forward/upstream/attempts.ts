import type { AttemptResult, Attempts } from '../attempt.ts';
import { clientGone } from '../upstream-failure.ts';
import { Pool } from './pool.ts';
import { UpstreamAttempt } from './upstream-attempt.ts';

/** Attempts on connections of our own: one pool of kept connections per address. */
export function createUpstreamAttempts(): Attempts {
  const pools = new Map<string, Pool>();

  const poolOf = (url: string): Pool => {
    let pool = pools.get(url);
    if (pool === undefined) {
      pool = new Pool(url);
      pools.set(url, pool);
    }
    return pool;
  };

  return {
    attempt(attempt) {
      return new Promise<AttemptResult>((resolve) => {
        if (attempt.response.destroyed) {
          resolve({ kind: 'failed', failure: clientGone(), sent: false, reused: false });
        } else new UpstreamAttempt(attempt, poolOf(attempt.url), resolve);
      });
    },
    retain(backends) {
      const kept = new Set<string>();
      for (const { urls } of backends) for (const url of urls) kept.add(url);
      for (const [url, pool] of pools) {
        if (kept.has(url)) continue;
        pools.delete(url);
        pool.close();
      }
    },
    async close() {
      for (const pool of pools.values()) pool.destroy();
      pools.clear();
    },
  };
}
