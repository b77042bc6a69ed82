import type { BreakerState } from './breaker.ts';

/** What is worth a line in the log or a count. */
export interface ResilienceEvents {
  breakerChanged(backend: string, to: BreakerState): void;
  /** By its health checks. */
  healthChanged(backend: string, url: string, healthy: boolean): void;
  ejected(backend: string, url: string, milliseconds: number): void;
  retried(backend: string): void;
  fellBack(fallback: { route: string; from: string; to: string; reason: string }): void;
}
