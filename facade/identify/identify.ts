import type { IncomingMessage } from 'node:http';
import type { Backend, IdentitySettings, Route, RouteTable } from '../routes/model.ts';
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
   * Who makes a request; anonymous where its route does not ask.
   * @throws Failure `session_unavailable`
   */
  async callerOf(table: RouteTable, route: Route, request: IncomingMessage): Promise<Caller> {
    return route.auth === 'session' ? this.#bySession(table, request) : anonymous;
  }

  /** Says who a caller is, to the one backend that it names. */
  sign({ secret }: IdentitySettings, caller: Caller, audience: string): Promise<string> {
    if (this.#signer?.secret !== secret) this.#signer = { secret, sign: identitySigner(secret) };
    return this.#signer.sign(caller, audience);
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

  async #bySession(table: RouteTable, request: IncomingMessage): Promise<Caller> {
    if (this.#identify !== undefined) return this.#identify(request);
    const source = sessionSource(table);
    if (source === undefined) return anonymous;
    const value = cookieValue(request.headers.cookie, source.cookie);
    return value === undefined || value === '' ? anonymous : this.#sessions.resolve(source, value);
  }
}

function sessionSource(table: RouteTable): SessionSource | undefined {
  const session = table.identity?.session;
  const backend = session === undefined ? undefined : table.backends.get(session.backend);
  if (session === undefined || backend === undefined) return undefined;
  return { cookie: session.cookie, backend, path: session.path, cache: session.cache };
}
