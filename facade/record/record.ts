import type { Logger } from '@strangler-fig/kernel/log';
import type { FaultKind } from '../faults/fault.ts';
import type { UpstreamFailure } from '../forward/upstream-failure.ts';
import { type AccessLog, isSampled } from './access-log.ts';
import type { FacadeMetrics } from './metrics.ts';
import type { RouteCounter } from './route-counts.ts';

/** One request that is over, however it ended. */
export interface Finished {
  readonly method: string;
  /** Without its query, which may carry secrets. */
  readonly path: string;
  /** The client's, as far as it can be told; empty where its connection is gone. */
  readonly address: string;
  /** Undefined where none matched or none was looked up. */
  readonly route: string | undefined;
  /** Who answered: a backend, or `facade`. */
  readonly backend: string;
  /** 0 where the client got no answer. */
  readonly status: number;
  readonly failure: UpstreamFailure | undefined;
  /** Whose failure it was, where not that of `backend`: the application's that knows the sessions. */
  readonly failed?: string | undefined;
  readonly traceId: string;
  /** Milliseconds, from performance.now(). */
  readonly startedAt: number;
}

/** Writes down what happened: the access log, the metrics, and the counts by route. */
export class Record {
  readonly #log: Logger;
  readonly #metrics: FacadeMetrics;
  readonly #counter: RouteCounter;
  readonly #accessLog: () => AccessLog;

  /** @param accessLog which requests are to be logged now. */
  constructor(log: Logger, metrics: FacadeMetrics, counter: RouteCounter, accessLog: () => AccessLog) {
    // Nothing in these entries is to be redacted, and looking for it would cost more than writing them.
    this.#log = log.child({}, { redact: [] });
    this.#metrics = metrics;
    this.#counter = counter;
    this.#accessLog = accessLog;
  }

  /** A request is made to fail on purpose. */
  faulted(route: string, kind: FaultKind): void {
    this.#metrics.faults.inc({ route, kind });
  }

  finished(request: Finished): void {
    const { route = 'none', backend, status, failure } = request;
    const now = performance.now();
    const milliseconds = now - request.startedAt;
    const failed = status === 0 || status >= 500 || failure !== undefined;
    this.#counter.count(route, backend, status, failed, milliseconds, now);
    if (failure !== undefined) {
      this.#metrics.upstreamFailures.inc({ backend: request.failed ?? backend, kind: failure.kind });
    }
    const { sample, slow } = this.#accessLog();
    if (failed || milliseconds >= slow || isSampled(request.traceId, sample)) {
      this.#write(request, milliseconds);
    }
  }

  #write({ route = 'none', failure, ...request }: Finished, milliseconds: number): void {
    const entry = {
      method: request.method,
      path: request.path,
      address: request.address,
      route,
      backend: request.backend,
      status: request.status,
      ms: Math.round(milliseconds * 10) / 10,
      trace: request.traceId,
      ...(failure === undefined ? {} : { failure: failure.kind, reason: failure.message }),
    };
    const ours = failure !== undefined && failure.kind !== 'client_gone';
    if (ours) this.#log.warn(entry, 'request failed');
    else this.#log.info(entry, 'request');
  }
}
