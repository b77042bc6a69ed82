import type { AttemptResult, Attempts } from '../forward/attempt.ts';
import type { Fallback, Forwarder, Forwarding, ForwardingResult } from '../forward/forwarder.ts';
import { hasBody, RequestBody } from '../forward/request-body.ts';
import { clientGone, UpstreamFailure } from '../forward/upstream-failure.ts';
import type { Backend } from '../routes/model.ts';
import type { BackendStates } from './backend-state.ts';
import type { ResilienceEvents } from './events.ts';
import { declines, reasonToFallBack } from './fallback.ts';
import { type Asking, OneBackend } from './one-backend.ts';
import type { Repeatable } from './repetition.ts';

/** Bytes of a body that are kept where only repetitions at the same backend need it. */
const keptForRetries = 64 * 1024;

/** fallback -> breaker -> bulkhead -> balance -> retry -> one attempt: each in a file of its own. */
export class ResilientForwarder implements Forwarder {
  readonly #attempts: Attempts;
  readonly #states: BackendStates;
  readonly #events: ResilienceEvents;
  readonly #one: OneBackend;

  constructor(attempts: Attempts, states: BackendStates, events: ResilienceEvents) {
    this.#attempts = attempts;
    this.#states = states;
    this.#events = events;
    this.#one = new OneBackend(attempts, events);
  }

  async forward(forwarding: Forwarding): Promise<ForwardingResult> {
    const { request, response, backend, fallback } = forwarding;
    const withBody = hasBody(request);
    const body = withBody
      ? new RequestBody(request, response, backend.timeouts.idle, forwarding.bodyTap, {
          kept: keptFor(forwarding),
          bound: forwarding.bodyBound,
        })
      : undefined;
    const repeatable: Repeatable = {
      method: forwarding.method,
      hasBody: withBody,
      hasIdempotencyKey: request.headers['idempotency-key'] !== undefined,
    };
    const asking: Asking = {
      forwarding,
      body,
      repeatable,
      declines: fallback && ((status) => declines(fallback, status, repeatable, body)),
    };
    const result = await this.#one.ask(this.#states.of(backend), asking);
    const final =
      fallback === undefined ? outcome(result, backend) : await this.#fallBack(fallback, asking, result);
    body?.discard();
    return final;
  }

  async #fallBack(fallback: Fallback, asking: Asking, first: AttemptResult): Promise<ForwardingResult> {
    const { backend, response } = asking.forwarding;
    const reason = reasonToFallBack(fallback, first, asking.repeatable, asking.body);
    if (reason === undefined) return outcome(first, backend);
    const prepared = await fallback.prepare();
    if (response.destroyed) return { kind: 'failed', failure: clientGone(), backend };
    if (prepared === undefined) return outcome(first, backend);
    const other = fallback.backend;
    this.#events.fellBack({ route: fallback.route, from: backend.name, to: other.name, reason });
    const forwarding = { ...asking.forwarding, ...prepared, backend: other };
    const result = await this.#one.ask(this.#states.of(other), {
      ...asking,
      forwarding,
      declines: undefined,
    });
    return outcome(result, other);
  }

  retain(backends: Iterable<Backend>): void {
    const all = [...backends];
    this.#states.retain(all);
    this.#attempts.retain(all);
  }

  async close(): Promise<void> {
    this.#states.close();
    await this.#attempts.close();
  }
}

/** Bytes of a request's body that somebody may want again. */
function keptFor({ backend, fallback }: Forwarding): number {
  return Math.max(fallback?.keep ?? 0, backend.retries?.idempotent === true ? keptForRetries : 0);
}

function outcome(result: AttemptResult, backend: Backend): ForwardingResult {
  switch (result.kind) {
    case 'declined':
      return { kind: 'failed', failure: declined(result.status), backend };
    case 'failed':
      return { kind: 'failed', failure: result.failure, backend };
    default:
      return { ...result, backend };
  }
}

function declined(status: number): UpstreamFailure {
  return new UpstreamFailure('unavailable', `it answered ${status}, and the fallback could not be asked`);
}
