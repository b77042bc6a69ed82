import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

/** The facade's metrics (Prometheus, base units). Labels name routes and backends, never paths or persons. */
export class FacadeMetrics {
  readonly registry = new Registry();

  readonly requests = new Counter({
    name: 'strangler_requests_total',
    help: 'Requests answered, by route, backend and status class; backend "facade" where the facade answered itself.',
    labelNames: ['route', 'backend', 'status'],
    registers: [this.registry],
  });

  readonly seconds = new Histogram({
    name: 'strangler_request_seconds',
    help: "Time from a request's head to the end of its answer.",
    labelNames: ['route', 'backend'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  readonly upstreamFailures = new Counter({
    name: 'strangler_upstream_failures_total',
    help: 'Forwardings that failed, by backend and kind of failure.',
    labelNames: ['backend', 'kind'],
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

  /** @param openWebSockets asked whenever the metrics are read. */
  constructor(openWebSockets: () => number) {
    new Gauge({
      name: 'strangler_websockets_open',
      help: 'WebSocket connections open through the facade.',
      registers: [this.registry],
      collect() {
        this.set(openWebSockets());
      },
    });
  }
}
