import type { IncomingMessage } from 'node:http';
import type { Backend, Route, RouteTable } from '../routes/model.ts';
import { anonymous, type Caller } from './caller.ts';
import { cookieValue } from './cookie.ts';
import { identitySigner, type SignIdentity } from './identity-token.ts';
import { type AddressOf, SessionResolver, type SessionSource } from './session.ts';

const safe = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Finds out who makes a request, and says so to services in a form that they can verify. */
export class Identifier {
  readonly #sessions: SessionResolver;
  readonly #identify: ((request: IncomingMessage) => Promise<Caller>) | undefined;
  #signer: { secret: string; sign: SignIdentity } | undefined;

  /** @param identify asked in place of the session's endpoint: the way of an application that knows its sessions. */
  constructor(
    identify?: (request: IncomingMessage) => Promise<Caller>,
    addressOf: AddressOf = ({ url }) => url,
  ) {
    this.#sessions = new SessionResolver(addressOf);
    this.#identify = identify;
  }

  /**
   * The signed identity to send along with a request; undefined for a backend that asks for none.
   * @throws Failure `session_unavailable`
   */
  async identityFor(
    table: RouteTable,
    route: Route,
    backend: Backend,
    request: IncomingMessage,
  ): Promise<string | undefined> {
    if (!backend.identity || table.identity === undefined) return undefined;
    const caller = route.auth === 'session' ? await this.#caller(table, request) : anonymous;
    return this.#sign(table.identity.secret)(caller, backend.name);
  }

  /** After a request that may have logged somebody in or out, what was known of its session counts no more. */
  answered(table: RouteTable, backend: Backend, request: IncomingMessage): void {
    if (safe.has(request.method ?? '')) return;
    const source = sessionSource(table);
    if (source === undefined || source.backend.name !== backend.name) return;
    const value = cookieValue(request.headers.cookie, source.cookie);
    if (value !== undefined) this.#sessions.forget(source, value);
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  async #caller(table: RouteTable, request: IncomingMessage): Promise<Caller> {
    if (this.#identify !== undefined) return this.#identify(request);
    const source = sessionSource(table);
    if (source === undefined) return anonymous;
    const value = cookieValue(request.headers.cookie, source.cookie);
    return value === undefined || value === '' ? anonymous : this.#sessions.resolve(source, value);
  }

  #sign(secret: string): SignIdentity {
    if (this.#signer?.secret !== secret) this.#signer = { secret, sign: identitySigner(secret) };
    return this.#signer.sign;
  }
}

function sessionSource(table: RouteTable): SessionSource | undefined {
  const session = table.identity?.session;
  const backend = session === undefined ? undefined : table.backends.get(session.backend);
  if (session === undefined || backend === undefined) return undefined;
  return { cookie: session.cookie, backend, path: session.path, cache: session.cache };
}
