import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptResult, Attempts } from '../forward/attempt.ts';
import type { Forwarding } from '../forward/forwarder.ts';
import type { RequestBody } from '../forward/request-body.ts';
import { clientGone, UpstreamFailure } from '../forward/upstream-failure.ts';
import type { Address } from './address.ts';
import type { BackendState } from './backend-state.ts';
import type { ResilienceEvents } from './events.ts';
import { enter, type Passage } from './passage.ts';
import { backoff, isSafe, mayRepeat, type Repeatable } from './repetition.ts';

type Failed = AttemptResult & { kind: 'failed' };

/** Failures after which another attempt may do better. */
const transient = new Set(['unreachable', 'connect_timeout', 'answer_timeout', 'reset']);

/** A request, and what is kept of it over all attempts at all backends. */
export interface Asking {
  readonly forwarding: Forwarding;
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
    const entered = enter(state, asking.forwarding.response);
    const passage = entered instanceof Promise ? await entered : entered;
    if (passage instanceof UpstreamFailure) return notSent(passage);
    passage.declines = asking.declines;
    const now = performance.now();
    state.budget?.request(now);
    const address = state.balance.pick(now);
    let result = await this.#attempt(asking, passage, address, false);
    address.inFlight--;
    if (result.kind === 'failed') result = await this.#repeat(state, asking, passage, address, result);
    passage.end(result);
    return result;
  }

  #attempt(
    { forwarding, body }: Asking,
    watcher: Passage,
    address: Address,
    fresh: boolean,
  ): Promise<AttemptResult> {
    address.inFlight++;
    watcher.address = address;
    return this.#attempts.attempt({
      backend: forwarding.backend,
      url: address.url,
      fresh,
      method: forwarding.method,
      path: forwarding.path,
      headers: forwarding.headers,
      response: forwarding.response,
      body,
      answerHeaders: forwarding.answerHeaders,
      rewriteAnswer: forwarding.rewriteAnswer,
      tap: forwarding.tap,
      watcher,
    });
  }

  /** After a failed attempt, others until one has an answer, or the next would be wrong, too much, or in vain. */
  async #repeat(
    state: BackendState,
    asking: Asking,
    passage: Passage,
    first: Address,
    failed: Failed,
  ): Promise<AttemptResult> {
    const { retries } = asking.forwarding.backend;
    let result = failed;
    let sent = failed.sent;
    let address = first;
    let fresh = false;
    let wentStale = false;
    for (let repeated = 0; ; ) {
      this.#blame(state, asking, address, result);
      const { kind } = result.failure;
      if (!transient.has(kind) || asking.body?.repeatable === false) return { ...result, sent };

      // The backend may close a kept connection just as it is used again: the request was then never read. That
      // cannot be told from a crash in the middle of it, so only what is safe, or not sent, is repeated, and on a new
      // connection, because the other kept ones may be as stale.
      const stale = kind === 'reset' && (result.reused || (result.sent && retries === undefined));
      if (stale && !wentStale && (!result.sent || isSafe(asking.repeatable))) {
        wentStale = true;
        fresh = true;
      } else {
        fresh = false;
        const next =
          repeated < (retries?.attempts ?? 0) && (!sent || mayRepeat(asking.repeatable, retries))
            ? await this.#wait(state, asking, address, result, repeated)
            : undefined;
        if (asking.forwarding.response.destroyed) return { ...result, failure: clientGone(), sent };
        if (next === undefined) return { ...result, sent };
        repeated++;
        address = next;
      }
      const again = await this.#attempt(asking, passage, address, fresh);
      address.inFlight--;
      if (again.kind !== 'failed') return again;
      result = again;
      sent ||= again.sent;
    }
  }

  /** Waits until it is time to repeat; where the request shall go, or undefined where it shall not be repeated. */
  async #wait(
    { name, budget, balance, breaker }: BackendState,
    { forwarding: { backend } }: Asking,
    address: Address,
    { sent }: Failed,
    repeated: number,
  ): Promise<Address | undefined> {
    if (breaker?.state === 'open') return undefined;
    const next = balance.pick(performance.now(), address);
    // What another instance does instead of one that took nothing is nobody's additional load.
    const instead = !sent && next !== address;
    if (!instead) {
      if (budget?.take(performance.now()) !== true) return undefined;
      await sleep(backoff(backend.retries?.backoff ?? 0, repeated, Math.random()));
    }
    this.#events.retried(name);
    return next;
  }

  /** One of several addresses that cannot be reached, or breaks off what it did not have before, is left out. */
  #blame(
    { name, balance }: BackendState,
    { forwarding: { backend } }: Asking,
    address: Address,
    { failure, sent, reused }: Failed,
  ): void {
    if (balance.addresses.length === 1) return;
    const unreachable = failure.kind === 'unreachable' || failure.kind === 'connect_timeout';
    if (!unreachable && !(failure.kind === 'reset' && sent && !reused)) return;
    if (address.failed(performance.now())) this.#events.ejected(name, address.url, backend.ejection.for);
  }
}

function notSent(failure: UpstreamFailure): AttemptResult {
  return { kind: 'failed', failure, sent: false, reused: false };
}
