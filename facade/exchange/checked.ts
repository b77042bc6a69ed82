import type { IncomingMessage } from 'node:http';
import type { RequestTarget } from '../check/target.ts';
import type { Decision } from '../decide/decide.ts';
import type { BodyBound } from '../forward/request-body.ts';
import type { Caller } from '../identify/caller.ts';
import type { Identifier } from '../identify/identify.ts';
import type { Received } from '../receive/received.ts';
import type { Backend, Route, RouteTable } from '../routes/model.ts';

/** What is known of a request once it has been checked and its route is decided. */
export interface Known {
  readonly request: IncomingMessage;
  readonly received: Received;
  readonly table: RouteTable;
  readonly target: RequestTarget;
  /** What a backend is asked for: path and query as received or rewritten, never the authority of an absolute target. */
  readonly path: string;
  /** The authority that was asked for; that of an absolute target takes the place of Host (RFC 9112, 3.2.2). */
  readonly host: string;
  readonly decision: Decision;
  readonly backend: Backend;
  readonly traceparent: string;
}

/** A request that has been checked, on its way through the steps that follow. */
export class Checked implements Known {
  readonly request: IncomingMessage;
  readonly received: Received;
  readonly table: RouteTable;
  readonly target: RequestTarget;
  readonly path: string;
  readonly host: string;
  readonly decision: Decision;
  readonly backend: Backend;
  readonly traceparent: string;
  /** Headers that the client is sent with whatever answer it gets, the facade's own included. */
  readonly answerHeaders: [string, string][] = [];
  /** How long the body may be, where a gate has found a bound. */
  bodyBound: BodyBound | undefined;
  readonly #identifier: Identifier;
  #caller: Promise<Caller> | undefined;

  constructor(known: Known, identifier: Identifier) {
    this.request = known.request;
    this.received = known.received;
    this.table = known.table;
    this.target = known.target;
    this.path = known.path;
    this.host = known.host;
    this.decision = known.decision;
    this.backend = known.backend;
    this.traceparent = known.traceparent;
    this.#identifier = identifier;
  }

  get route(): Route {
    return this.decision.route;
  }

  get method(): string {
    return this.request.method ?? 'GET';
  }

  /**
   * Who makes the request, found out once when somebody wants to know.
   * @throws TokenRefused; Failure `session_unavailable` or `keys_unavailable`
   */
  caller(): Promise<Caller> {
    this.#caller ??= this.#identifier.callerOf(this.table, this.route, this.request);
    return this.#caller;
  }

  /**
   * The signed identity to send along to a backend; undefined for one that asks for none.
   * @throws what `caller` throws; Failure `identity_keys_unusable`
   */
  async identityFor(backend: Backend): Promise<string | undefined> {
    if (!backend.identity || this.table.identity === undefined) return undefined;
    return this.#identifier.sign(this.table.identity, await this.caller(), backend.name);
  }
}
