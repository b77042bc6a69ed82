import type { EventEmitter } from 'node:events';
import type { Problem } from '@strangler-fig/kernel/problem';

/** Failures on purpose of one route. */
export interface Faults {
  /** Milliseconds; 0: no delay. */
  readonly delay: number;
  /** The status that is answered instead of asking a backend. */
  readonly abort: number | undefined;
  /** The share of requests that it happens to, 0 to 1. */
  readonly share: number;
}

export type FaultKind = 'delay' | 'abort';

/** Says on an answer which fault befell its request, so that nobody takes a rehearsal for the real thing. */
export const faultHeader = 'x-fault-injected';

/** What the client is told whose request is aborted. */
export function faultProblem(status: number, route: string): Problem {
  return {
    status,
    code: 'fault_injected',
    title: 'A failure on purpose',
    detail: `Route ${route} has "faults" in routes.yaml; no backend was asked.`,
    route,
  };
}

/**
 * Draws whether a fault befalls a request, and waits out its delay; of a delay and an abort the abort is named.
 * @param client the answer or the socket; the wait ends when it closes.
 * @param befalls told before the wait.
 * @returns undefined where the request is spared.
 */
export async function injectFault(
  { delay, abort, share }: Faults,
  client: EventEmitter,
  befalls: (kind: FaultKind) => void,
): Promise<FaultKind | undefined> {
  if (Math.random() >= share) return undefined;
  const kind = abort === undefined ? 'delay' : 'abort';
  befalls(kind);
  if (delay > 0) await waitOut(delay, client);
  return kind;
}

function waitOut(delay: number, client: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      client.off('close', over);
      resolve();
    };
    const timer = setTimeout(over, delay);
    client.once('close', over);
  });
}
