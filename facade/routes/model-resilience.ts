/** What routes.yaml says about failure and load. All times are in milliseconds. */
export interface BackendResilience {
  /** Origins of its instances; at least one, and the first is the backend's `url`. */
  readonly urls: readonly string[];
  readonly balance: 'round-robin' | 'least-requests';
  /** Undefined: nothing is asked but by the admin page. */
  readonly healthChecks: HealthCheckSettings | undefined;
  readonly ejection: EjectionSettings;
  /** Undefined: only the repetition on a fresh connection where a kept one was closed. */
  readonly retries: RetrySettings | undefined;
  /** Undefined: turned off. */
  readonly breaker: BreakerSettings | undefined;
  readonly bulkhead: BulkheadSettings;
}

export interface HealthCheckSettings {
  readonly path: string;
  readonly interval: number;
  readonly timeout: number;
  /** Answers in a row. */
  readonly unhealthyAfter: number;
  readonly healthyAfter: number;
}

export interface EjectionSettings {
  /** In a row. */
  readonly failures: number;
  readonly for: number;
}

export interface RetrySettings {
  /** Repetitions after the first attempt, at most. */
  readonly attempts: number;
  readonly backoff: number;
  /** From 0 to 1: repetitions per request. */
  readonly budget: number;
  /** Whether what is idempotent, but not safe, is repeated. */
  readonly idempotent: boolean;
}

export interface BreakerSettings {
  readonly failures: number;
  readonly within: number;
  readonly coolDown: number;
  readonly successes: number;
}

export interface BulkheadSettings {
  readonly requests: number;
  readonly queue: number;
  readonly wait: number;
}

/** Who answers when a route's backend fails. */
export interface RouteFallback {
  readonly backend: string;
  /** Statuses that count as a failure. */
  readonly on: readonly number[];
  /** Bytes of a request's body that are kept to be sent again. */
  readonly body: number;
  /** An Idempotency-Key makes any request repeatable. */
  readonly idempotencyKey: boolean;
}
