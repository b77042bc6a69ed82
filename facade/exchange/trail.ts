import type { IncomingMessage } from 'node:http';
import { traceIdIn } from '@strangler-fig/kernel/trace';
import type { UpstreamFailure } from '../forward/upstream-failure.ts';
import type { Received } from '../receive/received.ts';
import type { Finished } from '../record/record.ts';
import type { RequestSpan } from '../record/spans.ts';
import { pathOf, traceparentOf } from './check.ts';
import type { Steps } from './steps.ts';

/** What one request leaves behind: its trace, and in the end a record of what became of it. */
export class Trail {
  readonly received: Received;
  /** The client's trace context, one that begins here, or that of a span which is exported. */
  readonly traceparent: string;
  /** Undefined: nobody is told of spans. */
  readonly span: RequestSpan | undefined;
  readonly #steps: Steps;
  readonly #method: string;
  readonly #startedAt = performance.now();

  /** @param method as it is recorded. */
  constructor(steps: Steps, request: IncomingMessage, method: string) {
    this.#steps = steps;
    this.#method = method;
    this.received = steps.received(request, steps.table().trustedProxies);
    this.span = steps.spans?.begin(request, this.received);
    this.traceparent = this.span === undefined ? traceparentOf(request) : this.span.traceparent;
  }

  /**
   * The request is over. Called once.
   * @param route undefined where none matched or none was looked up.
   * @param backend who answered: a backend, or `facade`.
   * @param status 0 where the client got no answer.
   * @param failed whose failure it was, where not that of `backend`.
   */
  end(
    route: string | undefined,
    backend: string,
    status: number,
    failure?: UpstreamFailure,
    failed?: string,
  ): void {
    const finished: Finished = {
      method: this.#method,
      path: pathOf(this.received),
      address: this.received.address,
      route,
      backend,
      status,
      failure,
      failed,
      traceId: traceIdIn(this.traceparent),
      startedAt: this.#startedAt,
    };
    this.#steps.record.finished(finished);
    this.span?.end(finished);
  }
}
