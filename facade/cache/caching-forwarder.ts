import type { Checked } from '../exchange/checked.ts';
import { answerItself } from '../exchange/own-answer.ts';
import type { AnswerTap, Forwarder, Forwarding, ForwardingResult } from '../forward/forwarder.ts';
import { hasBody } from '../forward/request-body.ts';
import { identityHeader } from '../forward/request-headers.ts';
import type { Backend } from '../routes/model.ts';
import type { CacheEvents, CacheResult } from './events.ts';
import { type Flight, Flights } from './flights.ts';
import { type HeaderMap, headerMap } from './header-list.ts';
import { Intake } from './intake.ts';
import { namedTargets, placeOf } from './place.ts';
import { serve } from './serve.ts';
import type { CacheStore, Place, StoredAnswer } from './store.ts';
import { WithheldResponse } from './withheld-response.ts';

/** What became of a forwarding, and whether the client's answer came out of the cache. */
export type CachedResult = ForwardingResult & { readonly cached?: true };

/** Errors for which something older may be used instead (RFC 5861, 4). */
const errors = new Set([500, 502, 503, 504]);
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Requests that are about a part of an answer, or not to be answered unless it is a certain one: for the backend. */
const notLookedUp = ['range', 'if-range', 'if-match', 'if-unmodified-since'] as const;

/** A request of a route that keeps answers, while it is looked up and fetched. */
interface Visit {
  readonly checked: Checked;
  readonly forwarding: Forwarding;
  readonly place: Place;
  /** The request's headers as the backend sees them. */
  readonly asked: HeaderMap;
  readonly answer: number;
  readonly fresh: number;
}

/**
 * Answers GET and HEAD from memory where an earlier answer may be used (RFC 9111), and forwards the rest. What the
 * facade adds for one client (cookies, CORS, limits) is never kept: it is added to what is sent.
 */
export class CachingForwarder {
  readonly #forwarder: Forwarder;
  readonly #store: CacheStore;
  readonly #events: CacheEvents;
  readonly #isOwn: (backend: Backend) => boolean;
  readonly #flights = new Flights();

  /** @param isOwn whether answers of a backend do not come this way: those of the application that the facade is in. */
  constructor(
    forwarder: Forwarder,
    store: CacheStore,
    events: CacheEvents,
    isOwn: (backend: Backend) => boolean = () => false,
  ) {
    this.#forwarder = forwarder;
    this.#store = store;
    this.#events = events;
    this.#isOwn = isOwn;
  }

  /** For a request whose route has a `cache`. */
  async forward(forwarding: Forwarding, checked: Checked): Promise<CachedResult> {
    const { cache, name } = checked.route;
    const { method, request, backend, headers } = forwarding;
    if (!safeMethods.has(method)) return this.#write(forwarding, checked);
    if (cache?.kind !== 'keeps' || this.#isOwn(backend)) return this.#forwarder.forward(forwarding);
    if (method !== 'GET' && method !== 'HEAD') return this.#bypass(forwarding, name, 'method');
    if (hasBody(request) || notLookedUp.some((header) => request.headers[header] !== undefined)) {
      return this.#bypass(forwarding, name, 'bypass');
    }
    const { answer, fresh, version } = cache;
    const place = placeOf(checked, version);
    return this.#lookUp({ checked, forwarding, place, asked: headerMap(headers), answer, fresh });
  }

  #bypass(forwarding: Forwarding, route: string, reason: 'method' | 'bypass'): Promise<ForwardingResult> {
    this.#events.requested(route, 'bypass');
    return this.#forwarder.forward(saying(forwarding, `fwd=${reason}`));
  }

  async #write(forwarding: Forwarding, checked: Checked): Promise<ForwardingResult> {
    let targets: string[] = [];
    const tap = alsoTo(forwarding.tap, {
      head: (_, headers) => {
        targets = namedTargets(checked, headers);
      },
      data() {},
    });
    const result = await this.#forwarder.forward({ ...forwarding, tap });
    // What failed may have been done all the same, and then nobody knows what is current.
    const unchanged = result.kind === 'answered' && result.status >= 400;
    if (unchanged) return result;
    let dropped = 0;
    for (const uri of [placeOf(checked, '').uri, ...targets]) {
      this.#flights.outdate(uri);
      dropped += this.#store.invalidate(uri);
    }
    this.#events.invalidated(checked.route.name, dropped);
    return result;
  }

  async #lookUp(visit: Visit): Promise<CachedResult> {
    const { asked, place, forwarding } = visit;
    let waited = false;
    for (;;) {
      const found = this.#store.find(place, asked);
      const stored = found === 'others' ? undefined : found;
      const use = stored?.head.useFor(asked);
      if (stored !== undefined && use === 'fresh') {
        return waited
          ? this.#answer(visit, stored, 'collapsed', 'fwd=uri-miss; collapsed')
          : this.#answer(visit, stored, 'hit', `hit; ttl=${stored.head.timeToLive}`);
      }
      if (stored !== undefined && use === 'stale' && forwarding.request.httpVersion === '1.1') {
        this.#refresh(visit, stored);
        return this.#answer(visit, stored, 'stale', `hit; ttl=${stored.head.timeToLive}`);
      }
      if (/\bonly-if-cached\b/i.test(asked['cache-control'] ?? '')) return this.#onlyIfCached(visit);
      const flight = waited || wantsItsOwn(asked) ? undefined : this.#flights.to(place.key);
      if (flight === undefined) {
        if (stored !== undefined) {
          return this.#fetch(visit, stored, use === 'after_validation_asked' ? 'request' : 'stale');
        }
        return this.#fetch(visit, undefined, found === 'others' ? 'vary-miss' : 'uri-miss');
      }
      waited = true;
      await this.#flights.wait(flight, forwarding.response);
      if (forwarding.response.destroyed) return this.#forwarder.forward(forwarding);
    }
  }

  async #answer(
    { forwarding, checked }: Visit,
    stored: StoredAnswer,
    result: CacheResult,
    status: string,
  ): Promise<CachedResult> {
    this.#events.requested(checked.route.name, result);
    return this.#serve(forwarding, stored, status);
  }

  async #serve(forwarding: Forwarding, stored: StoredAnswer, status: string): Promise<CachedResult> {
    const sent = await serve(stored, forwarding, saying(forwarding, status).answerHeaders);
    return { kind: 'answered', status: sent, backend: forwarding.backend, cached: true };
  }

  #onlyIfCached({ forwarding, checked }: Visit): CachedResult {
    const { request, response, answerHeaders, backend } = forwarding;
    this.#events.requested(checked.route.name, 'only_if_cached');
    const problem = {
      status: 504,
      code: 'not_cached',
      title: 'Nothing is kept for this request',
      detail: 'It says only-if-cached, and there is no answer to it that may be used again.',
      route: checked.route.name,
    };
    answerItself(request, response, { problem }, answerHeaders);
    return { kind: 'answered', status: 504, backend, cached: true };
  }

  /** Fetches an answer for nobody, in place of one that is used once more meanwhile. */
  #refresh(visit: Visit, stored: StoredAnswer): void {
    if (this.#flights.to(visit.place.key) !== undefined) return;
    const { response } = WithheldResponse.ofNobody(visit.forwarding.request);
    const { tap: _, bodyTap: __, fallback: ___, ...forwarding } = visit.forwarding;
    void this.#fetch(
      { ...visit, forwarding: { ...forwarding, tap: undefined, response } },
      stored,
      undefined,
    );
  }

  /**
   * Asks the backend, keeps what may be kept, and answers the client with it or with what is kept already.
   * @param why as Cache-Status has it (RFC 9211, 2.2); undefined where no client waits.
   */
  async #fetch(
    visit: Visit,
    stored: StoredAnswer | undefined,
    why: string | undefined,
  ): Promise<CachedResult> {
    const { forwarding, place, asked, checked } = visit;
    const { name } = checked.route;
    const flight = this.#flights.begin(place.key, place.uri, forwarding.method === 'GET');
    const intake = new Intake(this.#store, place, visit.answer);
    const validating = stored?.head.canBeValidated === true;
    const client = stored === undefined ? undefined : new WithheldResponse(forwarding.response);
    let fellBack = false;
    let holds: readonly string[] | undefined;
    let failedWith: number | undefined;
    const tap: AnswerTap = {
      head: (status, headers) => {
        const ofBackend = stored !== undefined && !fellBack;
        if (ofBackend && validating && status === 304) {
          holds = headers;
          client?.withhold();
        } else if (ofBackend && why !== undefined && errors.has(status) && stored.head.useOnError(asked)) {
          failedWith = status;
          client?.withhold();
        } else {
          forwarding.tap?.head(status, headers);
          const { fresh } = visit;
          const head = { status, headers, asked, identified: isIdentified(visit), fresh };
          const kept = forwarding.method === 'GET' && !fellBack && intake.begin(head);
          if (!kept) this.#letGo(flight, place, status);
        }
      },
      data: (piece) => {
        if (holds !== undefined || failedWith !== undefined) return;
        forwarding.tap?.data(piece);
        intake.add(piece);
      },
    };
    const { fallback } = forwarding;
    const said = why === undefined ? forwarding : saying(forwarding, `fwd=${why}`);
    const result = await this.#forwarder.forward({
      ...said,
      response: client?.response ?? forwarding.response,
      headers: validating ? stored.head.validating(forwarding.headers) : forwarding.headers,
      tap,
      fallback: fallback && {
        ...fallback,
        prepare: () => {
          fellBack = true;
          return fallback.prepare();
        },
      },
    });
    const current = this.#settle(visit, stored, { result, intake, flight, holds });
    if (why === undefined) return result;
    if (stored !== undefined && holds !== undefined) {
      // The backend means something else than what was asked about: so it is asked for the whole.
      if (!stored.head.isMeantBy(holds)) return this.#fetch(visit, undefined, why);
      return this.#answer(visit, current ?? stored, 'validated', `fwd=${why}; fwd-status=304`);
    }
    if (stored !== undefined && failedWith !== undefined) {
      return this.#answer(visit, stored, 'stale_if_error', `fwd=${why}; fwd-status=${failedWith}`);
    }
    const failed = result.kind === 'failed' && !result.failure.kind.startsWith('client_');
    if (stored !== undefined && failed && stored.head.useOnError(asked)) {
      return this.#answer(visit, stored, 'stale_if_error', `fwd=${why}; detail=${result.failure.kind}`);
    }
    this.#events.requested(name, stored === undefined ? 'miss' : 'expired');
    return result;
  }

  /** Keeps what came, and lets those go who wait for it. */
  #settle(
    { place, asked, checked, forwarding }: Visit,
    stored: StoredAnswer | undefined,
    fetched: {
      readonly result: ForwardingResult;
      readonly intake: Intake;
      readonly flight: Flight;
      readonly holds: readonly string[] | undefined;
    },
  ): StoredAnswer | undefined {
    const { result, intake, flight, holds } = fetched;
    let current: StoredAnswer | undefined;
    if (stored !== undefined && holds !== undefined) {
      const head = stored.head.isMeantBy(holds) ? stored.head.validated(holds, asked) : undefined;
      if (head === undefined || flight.outdated) this.#store.drop(stored);
      else {
        current = { ...place, head, body: stored.body };
        this.#store.put(current, asked);
      }
    } else if (result.kind === 'answered' && isOf(result, forwarding) && !flight.outdated && intake.keep()) {
      this.#events.stored(checked.route.name);
    } else {
      intake.drop();
      // What the backend answers by now is something else.
      if (
        stored !== undefined &&
        result.kind === 'answered' &&
        isOf(result, forwarding) &&
        result.status < 500
      ) {
        this.#store.drop(stored);
      }
    }
    flight.land();
    return current;
  }

  /** An answer that is not kept keeps nobody waiting, and the next requests for it neither. */
  #letGo(flight: Flight, { key }: Place, status: number): void {
    if (status < 500 && status !== 304) this.#flights.pass(key);
    flight.land();
  }
}

function isOf({ backend }: ForwardingResult, forwarding: Forwarding): boolean {
  return backend === undefined || backend === forwarding.backend;
}

/** Whether the request shows who makes it in a way that the backend need not have noticed in its answer. */
function isIdentified({ checked, asked }: Visit): boolean {
  return checked.route.auth !== undefined || asked[identityHeader] !== undefined;
}

function wantsItsOwn(asked: HeaderMap): boolean {
  return /\b(?:no-cache|no-store)\b/i.test(`${asked['cache-control'] ?? ''},${asked.pragma ?? ''}`);
}

/** The same forwarding, with an answer that says what the cache did (RFC 9211); a backend's own such header stays. */
function saying(forwarding: Forwarding, status: string): Forwarding {
  return {
    ...forwarding,
    answerHeaders: [...forwarding.answerHeaders, ['Cache-Status', `strangler; ${status}`]],
  };
}

function alsoTo(first: AnswerTap | undefined, second: AnswerTap): AnswerTap {
  if (first === undefined) return second;
  return {
    head(status, headers) {
      first.head(status, headers);
      second.head(status, headers);
    },
    data(piece) {
      first.data(piece);
      second.data(piece);
    },
  };
}
