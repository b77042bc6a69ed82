import type { IncomingMessage } from 'node:http';
import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Logger } from '@strangler-fig/kernel/log';
import { traceIdOf } from '@strangler-fig/kernel/trace';
import manifest from '../package.json' with { type: 'json' };
import type { Received } from '../receive/received.ts';
import type { Route } from '../routes/model.ts';
import type { Finished } from './record.ts';
import { ReportedExporter } from './reported-exporter.ts';
import type { RequestSpan, Spans } from './spans.ts';

const { version } = manifest;

/** Methods that a span may be named by (semantic conventions for HTTP, `http.request.method`). */
const knownMethods = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);

/**
 * Server spans by the stable semantic conventions for HTTP, sent to a collector in batches from a bounded queue.
 * The variables of OpenTelemetry decide what is sampled, where it goes and how much may wait. Nothing is registered
 * globally: a program that has the facade in it may have tracing of its own.
 */
export class OtlpSpans implements Spans {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;

  constructor(log: Logger) {
    const service = resourceFromAttributes({
      'service.name': 'strangler-facade',
      'service.version': version,
    });
    const given = detectResources({ detectors: [envDetector] });
    this.#provider = new BasicTracerProvider({
      resource: defaultResource().merge(service).merge(given),
      spanProcessors: [new BatchSpanProcessor(new ReportedExporter(new OTLPTraceExporter(), log))],
    });
    this.#tracer = this.#provider.getTracer('strangler-fig', version);
  }

  begin(request: IncomingMessage, received: Received): RequestSpan {
    const parent = parentOf(request);
    const span = this.#tracer.startSpan(
      nameOf(request),
      { kind: SpanKind.SERVER, attributes: attributesOf(request, received) },
      parent ?? ROOT_CONTEXT,
    );
    return new ServerSpan(span, request, parent);
  }

  async close(deadline: number): Promise<void> {
    const cut = Promise.withResolvers<void>();
    const timer = setTimeout(cut.resolve, deadline);
    // What failed has been reported.
    await Promise.race([this.#provider.shutdown().catch(() => {}), cut.promise]);
    clearTimeout(timer);
  }
}

class ServerSpan implements RequestSpan {
  readonly traceparent: string;
  readonly #span: Span;
  readonly #request: IncomingMessage;

  constructor(span: Span, request: IncomingMessage, parent: Context | undefined) {
    this.#span = span;
    this.#request = request;
    const { traceId, spanId, traceFlags } = span.spanContext();
    const unsampled = parent !== undefined && !isSampled(parent) && !span.isRecording();
    // Nobody would find a parent that is never exported, so whoever takes no part passes on what came.
    this.traceparent = unsampled
      ? (request.headers.traceparent as string)
      : `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
  }

  decided({ name, match: { path } }: Route, host: string): void {
    const { source } = path;
    this.#span.updateName(`${nameOf(this.#request)} ${source}`);
    this.#span.setAttributes({ 'http.route': source, 'strangler.route': name, ...serverOf(host) });
  }

  end({ backend, status, failure }: Finished): void {
    const span = this.#span;
    span.setAttribute('strangler.backend', backend);
    if (status !== 0) span.setAttribute('http.response.status_code', status);
    const error = failure?.kind ?? (status >= 500 ? String(status) : undefined);
    if (error !== undefined) {
      span.setAttribute('error.type', error);
      if (error !== 'client_gone') span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  }
}

/** The client's span, where it sent a valid one (W3C Trace Context, 3.2). */
function parentOf({ headers }: IncomingMessage): Context | undefined {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== 'string') return undefined;
  const traceId = traceIdOf(traceparent);
  if (traceId === undefined) return undefined;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53, 55), 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(typeof tracestate === 'string' ? { traceState: createTraceState(tracestate) } : {}),
  });
}

function isSampled(parent: Context): boolean {
  return ((trace.getSpanContext(parent)?.traceFlags ?? 0) & TraceFlags.SAMPLED) !== 0;
}

/** Until its route is known. */
function nameOf({ method = '' }: IncomingMessage): string {
  return knownMethods.has(method) ? method : 'HTTP';
}

/** Neither query nor client are among them: they may be personal. */
function attributesOf(
  { method = '', httpVersion }: IncomingMessage,
  { target, scheme }: Received,
): Attributes {
  const known = knownMethods.has(method);
  return {
    'http.request.method': known ? method : '_OTHER',
    ...(known ? {} : { 'http.request.method_original': method }),
    'url.path': target.split('?', 1)[0]?.slice(0, 1024) ?? '',
    'url.scheme': scheme,
    'network.protocol.version': httpVersion,
  };
}

/** @param host a host name or address in the form of a Host header, with or without a port. */
function serverOf(host: string): Attributes {
  const [, address = '', port] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  if (address === '') return {};
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  return { 'server.address': bare, ...(port === undefined ? {} : { 'server.port': Number(port) }) };
}
