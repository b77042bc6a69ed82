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

/** What befalls this request; undefined where it is spared. Of a delay and an abort the answer names the abort. */
export function drawFault({ abort, share }: Faults): FaultKind | undefined {
  if (Math.random() >= share) return undefined;
  return abort === undefined ? 'delay' : 'abort';
}

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
 * Waits as long as a fault's delay, or until the client's side closes.
 * @param client the answer or the socket that would be closed.
 */
export function waitOut(delay: number, client: NodeJS.EventEmitter): Promise<void> {
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
