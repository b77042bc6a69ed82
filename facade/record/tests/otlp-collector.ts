import { bodyOf, type HttpOrigin, startOrigin } from '../../tests/origins.ts';

/** A span as OTLP writes it in JSON. */
export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly traceState: string | undefined;
  /** 2: server. */
  readonly kind: number;
  /** 2: error. */
  readonly status: { readonly code?: number };
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Of what reported it. */
  readonly resource: Readonly<Record<string, string | number>>;
}

/** What takes spans by OTLP/HTTP. */
export interface OtlpCollector {
  readonly origin: HttpOrigin;
  readonly url: string;
  /** Everything that was sent, as text. */
  readonly received: string[];
  readonly spans: CollectedSpan[];
  /** Resolves with the first span, past or to come, of which the predicate holds. */
  span(holds: (span: CollectedSpan) => boolean): Promise<CollectedSpan>;
}

interface Message {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WrittenSpan[] }[];
  }[];
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

type WrittenSpan = Omit<CollectedSpan, 'attributes' | 'resource'> & {
  readonly attributes: readonly Attribute[];
};

/** Starts a collector; it is closed when the test is done. @param status its answer. */
export async function startCollector(status = () => 200): Promise<OtlpCollector> {
  const received: string[] = [];
  const spans: CollectedSpan[] = [];
  let arrived = Promise.withResolvers<void>();
  const origin = await startOrigin(async (request, response) => {
    const text = (await bodyOf(request)).toString();
    const answer = status();
    response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
    if (answer !== 200) return;
    received.push(text);
    spans.push(...spansIn(JSON.parse(text) as Message));
    arrived.resolve();
    arrived = Promise.withResolvers();
  });
  return {
    origin,
    url: `http://127.0.0.1:${origin.port}`,
    received,
    spans,
    async span(holds) {
      for (;;) {
        const found = spans.find(holds);
        if (found !== undefined) return found;
        await arrived.promise;
      }
    },
  };
}

function spansIn({ resourceSpans }: Message): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        attributes: plain(span.attributes),
        resource: plain(resource.attributes),
      })),
    ),
  );
}

function plain(attributes: readonly Attribute[]): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? '']),
  );
}
