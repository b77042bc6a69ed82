import { ProblemError } from '@ticketnow/service-kit/problem';
import {
  BrokenCircuitError,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IPolicy,
  retry,
  TaskCancelledError,
  wrap,
} from 'cockatiel';

/** One attempt failed in a way that another may not: no connection, no answer in time, or an answer of 5xx. */
export class TransientInventoryError extends Error {
  readonly code = 'inventory_attempt_failed';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TransientInventoryError';
  }
}

/** Inventory cannot be asked now. What became of a call that had been sent is not known. */
export class InventoryUnavailableError extends ProblemError {
  constructor(cause: unknown) {
    super('inventory_unavailable', {
      status: 503,
      detail: 'The stock cannot be asked at the moment.',
      hint: 'Repeat the request, with the same Idempotency-Key if it had one.',
      retryAfterSeconds: 2,
      cause,
    });
    this.name = 'InventoryUnavailableError';
  }
}

/** How calls to inventory are repeated and when they are given up. */
export interface PolicySettings {
  /** Attempts after the first, with exponential back-off and jitter from 50 ms to 1 s. Default 2. */
  retries?: number;
  /** Failed attempts in a row that open the breaker. Default 10. */
  breakAfter?: number;
  /** How long it stays open before one call may try. Default 2000 ms. */
  halfOpenAfterMs?: number;
}

/** Runs calls that can be repeated safely; throws InventoryUnavailableError when they fail for good. */
export interface InventoryPolicy {
  run<Result>(call: (signal: AbortSignal) => Promise<Result>, budget: AbortSignal): Promise<Result>;
}

/** The breaker is inside the retries, so that every attempt counts and an open breaker ends them. */
export function createPolicy(settings: PolicySettings = {}): InventoryPolicy {
  const transient = handleWhen((error) => error instanceof TransientInventoryError);
  const attempts = retry(transient, {
    maxAttempts: settings.retries ?? 2,
    backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 1000 }),
  });
  const breaker = circuitBreaker(transient, {
    breaker: new ConsecutiveBreaker(settings.breakAfter ?? 10),
    halfOpenAfter: settings.halfOpenAfterMs ?? 2000,
  });
  const policy: IPolicy = wrap(attempts, breaker);
  return {
    async run(call, budget) {
      try {
        return await policy.execute(({ signal }) => call(signal), budget);
      } catch (error) {
        if (isFinal(error)) throw new InventoryUnavailableError(error);
        throw error;
      }
    },
  };
}

function isFinal(error: unknown): boolean {
  return (
    error instanceof TransientInventoryError ||
    error instanceof BrokenCircuitError ||
    error instanceof TaskCancelledError
  );
}
