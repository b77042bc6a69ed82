import type { AnswerWatcher, AttemptResult } from '../forward/attempt.ts';
import { latin1 } from '../forward/response-headers.ts';
import { UpstreamFailure } from '../forward/upstream-failure.ts';
import type { Address } from './address.ts';
import type { BackendState } from './backend-state.ts';

/** Statuses by which a backend, or what stands before it, says that it cannot answer now. */
const failing = new Set([502, 503, 504]);

/** Failures that say something about the backend, and not about one request or its client. */
const ofBackend = new Set(['unreachable', 'connect_timeout', 'answer_timeout', 'reset']);

/**
 * One request's way through a backend's breaker and bulkhead. Both are told once what became of it: the breaker
 * when the answer's head is there, because a pause or a break in the middle of a long answer is seldom the whole
 * backend's, and a long download must not keep a half-open breaker waiting; the bulkhead when the request is
 * over, or has become a stream.
 */
export class Passage implements AnswerWatcher {
  /** Whether an answer with this status is not for the client, because another backend will give one. */
  declines: ((status: number) => boolean) | undefined;
  /** Where the request is now. */
  address: Address | undefined;
  readonly #state: BackendState;
  /** The breaker's; 0: given back. */
  #ticket: number;
  #inside = true;

  constructor(state: BackendState, ticket: number) {
    this.#state = state;
    this.#ticket = ticket;
  }

  head(status: number, raw: readonly (Buffer | string)[]): boolean {
    this.address?.answered();
    this.answered(status);
    if (this.declines?.(status)) return false;
    if (isEventStream(raw)) this.leave();
    return true;
  }

  answered(status: number): void {
    const { breaker } = this.#state;
    if (breaker === undefined || this.#ticket === 0) return;
    if (failing.has(status)) breaker.failed(this.#ticket, performance.now());
    else breaker.succeeded(this.#ticket, performance.now());
    this.#ticket = 0;
  }

  /** @param sent false where nothing reached the backend. */
  failed(failure: UpstreamFailure, sent: boolean): void {
    const { breaker } = this.#state;
    if (breaker === undefined || this.#ticket === 0) return;
    // What undici refuses to send looks like a reset; the request was at fault.
    const counts = ofBackend.has(failure.kind) && (sent || failure.kind !== 'reset');
    if (counts) breaker.failed(this.#ticket, performance.now());
    else breaker.withdrawn(this.#ticket);
    this.#ticket = 0;
  }

  /** The request is over, and whatever is not told yet is told. */
  end(result: AttemptResult): void {
    if (result.kind === 'failed') this.failed(result.failure, result.sent);
    else this.answered(result.status);
    this.leave();
  }

  /** Gives the place in the bulkhead back. A stream that has begun needs none: it waits more than it works. */
  leave(): void {
    if (!this.#inside) return;
    this.#inside = false;
    this.#state.bulkhead.leave();
  }
}

function isEventStream(raw: readonly (Buffer | string)[]): boolean {
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index]?.length !== 12 || latin1(raw[index]).toLowerCase() !== 'content-type') continue;
    return /^text\/event-stream\b/i.test(latin1(raw[index + 1]));
  }
  return false;
}

/**
 * Lets a request in, at once or after a short wait, or says why not.
 * @param client whose 'close' means that nobody waits any longer.
 */
export function enter(
  state: BackendState,
  client: NodeJS.EventEmitter,
): Passage | UpstreamFailure | Promise<Passage | UpstreamFailure> {
  const { breaker, bulkhead } = state;
  let ticket = 0;
  if (breaker !== undefined) {
    const now = performance.now();
    ticket = breaker.enter(now);
    if (ticket === 0) {
      const seconds = Math.max(1, Math.ceil(breaker.retryAfter(now) / 1000));
      return new UpstreamFailure('circuit_open', `the breaker is ${breaker.state}`, undefined, seconds);
    }
  }
  if (bulkhead.enter()) return new Passage(state, ticket);
  return queue(state, ticket, client);
}

function queue(
  state: BackendState,
  ticket: number,
  client: NodeJS.EventEmitter,
): Promise<Passage | UpstreamFailure> {
  const { breaker, bulkhead } = state;
  const { wait } = bulkhead.settings;
  return new Promise((resolve) => {
    const settle = (outcome: Passage | UpstreamFailure) => {
      clearTimeout(timer);
      client.off('close', gone);
      if (outcome instanceof UpstreamFailure) {
        bulkhead.giveUp(called);
        breaker?.withdrawn(ticket);
      }
      resolve(outcome);
    };
    const called = () => settle(new Passage(state, ticket));
    const gone = () => settle(new UpstreamFailure('client_gone', 'the client went away while it waited'));
    const full = (why: string) => settle(new UpstreamFailure('overloaded', why, undefined, 1));
    const timer = setTimeout(() => full(`no place within ${wait} ms`), wait);
    client.once('close', gone);
    if (!bulkhead.queue(called)) full('the queue is full');
  });
}
