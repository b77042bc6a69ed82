import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Logger } from '@strangler-fig/kernel/log';

type Exported = Parameters<SpanExporter['export']>;

/**
 * Says once that the collector does not take spans, and once that it does again. To the SDK every export succeeds:
 * it would report failures to a handler that belongs to the whole process.
 */
export class ReportedExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  readonly #log: Logger;
  #failing = false;

  constructor(inner: SpanExporter, log: Logger) {
    this.#inner = inner;
    this.#log = log;
  }

  export(spans: Exported[0], done: Exported[1]): void {
    const settle = (failure: Error | undefined) => {
      this.#report(failure, spans.length);
      done({ code: 0 });
    };
    try {
      this.#inner.export(spans, ({ code, error }) => {
        settle(code === 0 ? undefined : (error ?? new Error('the collector did not take them')));
      });
    } catch (error) {
      settle(error as Error);
    }
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush?.();
  }

  #report(failure: Error | undefined, spans: number): void {
    if ((failure !== undefined) === this.#failing) return;
    this.#failing = failure !== undefined;
    if (failure === undefined) this.#log.info({}, 'spans are taken again');
    else {
      const { message, code } = failure as NodeJS.ErrnoException;
      const reason = message || `it answered ${code}`;
      this.#log.warn({ reason, lost: spans }, 'spans cannot be exported; requests are not affected');
    }
  }
}
