import { Counter, Gauge, Registry } from '@prometheus-io/client';
import { registerProcessMetrics } from './process-metrics.ts';
import { registerRequestMetrics } from './request-metrics.ts';
import type { RouteCounter } from './route-counts.ts';

/** What gauges show, asked whenever the metrics are read. */
export interface Gauged {
  readonly openWebSockets: () => number;
  readonly inFlight: () => number;
  /** When the table in force was loaded. */
  readonly loadedAt: () => Date;
  /** Bytes of bodies that comparisons keep. */
  readonly comparedBytes: () => number;
  /** Seconds by which the event loop is late. */
  readonly loopLag: () => number;
}

/**
 * The facade's metrics (Prometheus, base units). Labels name routes and backends, never paths or persons.
 * docs/metrics.md is made from them by write-metrics-table.ts.
 */
export class FacadeMetrics {
  readonly registry = new Registry();

  readonly upstreamFailures = new Counter({
    name: 'strangler_upstream_failures_total',
    help: 'Forwardings that failed, by backend and kind of failure.',
    labelNames: ['backend', 'kind'],
    registers: [this.registry],
  });

  readonly comparisons = new Counter({
    name: 'strangler_comparisons_total',
    help: 'Requests put to a second backend, by route and result: equal, different, failed, skipped (a body was too long), shed (there was no room).',
    labelNames: ['route', 'result'],
    registers: [this.registry],
  });

  readonly faults = new Counter({
    name: 'strangler_faults_injected_total',
    help: 'Requests that were made to fail on purpose, by route and kind: delay or abort.',
    labelNames: ['route', 'kind'],
    registers: [this.registry],
  });

  readonly reloads = new Counter({
    name: 'strangler_route_table_loads_total',
    help: 'Times that routes.yaml was read after an edit, by result: valid or invalid.',
    labelNames: ['result'],
    registers: [this.registry],
  });

  readonly tableValid = new Gauge({
    name: 'strangler_route_table_valid',
    help: '1 while routes.yaml as it stands is in force, 0 while an older one is because the edit is invalid.',
    registers: [this.registry],
  });

  /** @param counter what is counted of each request. */
  constructor(gauged: Gauged, counter: RouteCounter) {
    registerRequestMetrics(this.registry, counter);
    this.#gauge('strangler_requests_in_flight', 'Requests under way, without WebSockets.', gauged.inFlight);
    this.#gauge(
      'strangler_websockets_open',
      'WebSocket connections open through the facade.',
      gauged.openWebSockets,
    );
    this.#gauge(
      'strangler_route_table_age_seconds',
      'Time since the route table in force was loaded.',
      () => (Date.now() - gauged.loadedAt().getTime()) / 1000,
    );
    this.#gauge(
      'strangler_comparisons_kept_bytes',
      'Bytes of bodies that comparisons under way keep; at most 32 MiB.',
      gauged.comparedBytes,
    );
    this.#gauge(
      'strangler_event_loop_lag_seconds',
      'How late the event loop is, smoothed over about a second.',
      gauged.loopLag,
    );
    registerProcessMetrics(this.registry);
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}
