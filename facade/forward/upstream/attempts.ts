import type { AttemptResult, Attempts } from '../attempt.ts';
import { clientGone } from '../upstream-failure.ts';
import { Pools } from './pools.ts';
import { UpstreamAttempt } from './upstream-attempt.ts';

/** Attempts on connections of our own. */
export function createUpstreamAttempts(): Attempts {
  const pools = new Pools();
  return {
    attempt(attempt) {
      return new Promise<AttemptResult>((resolve) => {
        if (attempt.response.destroyed) {
          resolve({ kind: 'failed', failure: clientGone(), sent: false, reused: false });
        } else new UpstreamAttempt(attempt, pools.of(attempt.url), resolve);
      });
    },
    retain(backends) {
      pools.retain(new Set([...backends].flatMap(({ urls }) => urls)));
    },
    async close() {
      pools.destroy();
    },
  };
}
