import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptResult, Attempts } from '../forward/attempt.ts';
import type { Forwarding } from '../forward/forwarder.ts';
import type { RequestBody } from '../forward/request-body.ts';
import { UpstreamFailure } from '../forward/upstream-failure.ts';
import type { Address } from './address.ts';
import type { BackendState } from './backend-state.ts';
import type { ResilienceEvents } from './events.ts';
import { enter, type Passage } from './passage.ts';
import { backoff, isSafe, mayRepeat, type Repeatable } from './repetition.ts';

/** Failures after which another attempt may do better. */
const transient = new Set(['unreachable', 'connect_timeout', 'answer_timeout', 'reset']);

/** How a request is put to one backend. */
export interface Asking extends Omit<Forwarding, 'fallback' | 'bodyTap'> {
  readonly body: RequestBody | undefined;
  readonly repeatable: Repeatable;
  /** Whether an answer with this status is not for the client, because another backend will give one. */
  readonly declines: ((status: number) => boolean) | undefined;
}

/** Puts requests to one backend: breaker -> bulkhead -> (balance -> one attempt), again where that is safe. */
export class OneBackend {
  readonly #attempts: Attempts;
  readonly #events: ResilienceEvents;

  constructor(attempts: Attempts, events: ResilienceEvents) {
    this.#attempts = attempts;
    this.#events = events;
  }

  async ask(state: BackendState, asking: Asking): Promise<AttemptResult> {
    const entered = enter(state, asking.response);
    const passage = entered instanceof Promise ? await entered : entered;
    if (passage instanceof UpstreamFailure) return notSent(passage);
    passage.declines = asking.declines;
    const result = await this.#attempt(state, asking, passage);
    if (result.kind === 'failed') passage.failed(result.failure, result.sent);
    passage.leave();
    return result;
  }

  /** Attempts until one has an answer, or another would be wrong, too much, or in vain. */
  async #attempt(state: BackendState, asking: Asking, passage: Passage): Promise<AttemptResult> {
    const { budget, balance, breaker } = state;
    const { retries } = asking.backend;
    budget?.request(performance.now());
    let repeated = 0;
    let fresh = false;
    let wentStale = false;
    let sent = false;
    let address = balance.pick(performance.now());
    for (;;) {
      const result = await this.#once(state, asking, passage, address, fresh);
      if (result.kind !== 'failed') return result;
      sent ||= result.sent;
      const failed = { ...result, sent };
      if (!transient.has(result.failure.kind) || asking.body?.repeatable === false) return failed;

      // The backend may close a kept connection just as it is used again: the request was then never read. That
      // cannot be told from a crash in the middle of it, so only what is safe is repeated, and on a new
      // connection, because the other kept ones may be as stale.
      const stale = result.failure.kind === 'reset' && (result.reused || retries === undefined);
      if (stale && !wentStale && result.sent && isSafe(asking.repeatable)) {
        wentStale = true;
        fresh = true;
        continue;
      }
      fresh = false;
      if (retries === undefined || budget === undefined || repeated >= retries.attempts) return failed;
      if (sent && !mayRepeat(asking.repeatable, retries)) return failed;
      if (breaker?.state === 'open') return failed;
      const next = balance.pick(performance.now(), address);
      // What another instance does instead of one that took nothing is nobody's additional load.
      const instead = !result.sent && next !== address;
      if (!instead) {
        if (!budget.take(performance.now())) return failed;
        await sleep(backoff(retries.backoff, repeated, Math.random()));
        if (asking.response.destroyed) return failed;
      }
      repeated++;
      this.#events.retried(state.name);
      address = next;
    }
  }

  async #once(
    state: BackendState,
    asking: Asking,
    passage: Passage,
    address: Address,
    fresh: boolean,
  ): Promise<AttemptResult> {
    address.inFlight++;
    passage.address = address;
    const result = await this.#attempts.attempt({
      backend: asking.backend,
      url: address.url,
      fresh,
      method: asking.method,
      path: asking.path,
      headers: asking.headers,
      response: asking.response,
      body: asking.body,
      answerHeaders: asking.answerHeaders,
      rewriteAnswer: asking.rewriteAnswer,
      tap: asking.tap,
      watcher: passage,
    });
    address.inFlight--;
    if (result.kind === 'failed' && state.balance.addresses.length > 1) this.#blame(asking, address, result);
    return result;
  }

  /** One of several addresses that cannot be reached, or breaks off what it did not have before, is left out. */
  #blame(
    { backend }: Asking,
    address: Address,
    { failure, sent, reused }: AttemptResult & { kind: 'failed' },
  ): void {
    const unreachable = failure.kind === 'unreachable' || failure.kind === 'connect_timeout';
    if (!unreachable && !(failure.kind === 'reset' && sent && !reused)) return;
    if (address.failed(performance.now())) {
      this.#events.ejected(backend.name, address.url, backend.ejection.for);
    }
  }
}

function notSent(failure: UpstreamFailure): AttemptResult {
  return { kind: 'failed', failure, sent: false, reused: false };
}
