import type { IncomingMessage } from 'node:http';
import type { Logger } from '@strangler-fig/kernel/log';
import type { Received } from '../receive/received.ts';
import type { Route } from '../routes/model.ts';
import type { Finished } from './record.ts';

/** Makes a span of each request, for a tracing system. */
export interface Spans {
  begin(request: IncomingMessage, received: Received): RequestSpan;
  /** Sends what is left, for at most `deadline` milliseconds. Never throws. */
  close(deadline: number): Promise<void>;
}

/** One request's span, from its head to the end of its answer. */
export interface RequestSpan {
  /** What the backend is told: the span is the parent of its own. */
  readonly traceparent: string;
  /** @param host the authority that was asked for. */
  decided(route: Route, host: string): void;
  /** Called once. */
  end(finished: Finished): void;
}

/**
 * What the usual variables of OpenTelemetry ask for: spans by OTLP over HTTP (JSON) where they name a collector, else
 * nothing, and then nothing of OpenTelemetry is loaded.
 */
export async function spansFromEnvironment(log: Logger): Promise<Spans | undefined> {
  const { env } = process;
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint || env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined;
  if (env.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const collector = URL.parse(endpoint);
  if (collector === null || !/^https?:$/.test(collector.protocol)) {
    const hint = 'Set OTEL_EXPORTER_OTLP_ENDPOINT to an address such as http://127.0.0.1:4318.';
    log.warn({ code: 'otlp_endpoint_invalid', hint }, 'the collector has no valid address: no spans');
    return undefined;
  }
  const { OtlpSpans } = await import('./otlp-spans.ts');
  // Without a user name or a path, which may be a secret.
  log.info({ collector: collector.origin }, 'spans are exported');
  return new OtlpSpans(log);
}
