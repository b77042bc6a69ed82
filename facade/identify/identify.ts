import type { IncomingMessage } from 'node:http';
import type { JSONWebKeySet } from 'jose';
import type { Backend, IdentitySettings, Route, RouteTable } from '../routes/model.ts';
import type { RouteAuth } from './auth.ts';
import { bearerOf, TokenRefused } from './bearer.ts';
import { anonymous, type Caller } from './caller.ts';
import { cookieValue } from './cookie.ts';
import { TokenVerifier } from './jwt.ts';
import { type AddressOf, SessionResolver, type SessionSource } from './session.ts';
import { IdentitySigners } from './signing.ts';

const safe = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface IdentifierOptions {
  /** Asked in place of the session's endpoint: the way of an application that knows its sessions. */
  readonly identify?: ((request: IncomingMessage) => Promise<Caller>) | undefined;
  /** Default the backend's first url. */
  readonly addressOf?: AddressOf;
  /** Told when keys could not be fetched or read; those that are known are used on. */
  readonly onKeysFailed: (error: Error) => void;
  /** Told of each caller who is refused, and why in one word. */
  readonly onRefused: (route: string, reason: string) => void;
}

/** Finds out who makes a request, and says so to services in a form that they can verify. */
export class Identifier {
  readonly #sessions: SessionResolver;
  readonly #signers: IdentitySigners;
  readonly #options: IdentifierOptions;
  #verifier: TokenVerifier | undefined;

  constructor(options: IdentifierOptions) {
    this.#options = options;
    this.#sessions = new SessionResolver(options.addressOf ?? (({ url }) => url));
    this.#signers = new IdentitySigners(options.onKeysFailed);
  }

  /**
   * Gets ready for a table, before requests come that go by it.
   * @throws Failure `identity_keys_unusable`
   */
  prepare({ identity, backends }: RouteTable): void {
    const signs = [...backends.values()].some((backend) => backend.identity);
    if (signs) this.#signers.prepare(identity?.signing);
  }

  /** The same for a table that is in force already: what goes wrong is told to `onKeysFailed`. */
  follow(table: RouteTable): void {
    try {
      this.prepare(table);
    } catch (error) {
      this.#options.onKeysFailed(error as Error);
    }
  }

  /**
   * Who makes a request; anonymous where its route does not ask.
   * @throws TokenRefused; Failure `session_unavailable` or `keys_unavailable`
   */
  async callerOf(table: RouteTable, route: Route, request: IncomingMessage): Promise<Caller> {
    if (route.auth === undefined) return anonymous;
    try {
      return await this.#identified(table, route.auth, request);
    } catch (error) {
      if (error instanceof TokenRefused) this.#options.onRefused(route.name, error.reason);
      throw error;
    }
  }

  /**
   * Says who a caller is, to the one backend that it names.
   * @throws Failure `identity_keys_unusable`
   */
  async sign({ signing }: IdentitySettings, caller: Caller, audience: string): Promise<string | undefined> {
    return signing && this.#signers.sign(signing, caller, audience);
  }

  /** The keys by which services recognise what is signed for a table. */
  publishedKeys({ identity }: RouteTable): JSONWebKeySet {
    return this.#signers.published(identity?.signing);
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
    this.#verifier?.close();
    this.#signers.close();
    return this.#sessions.close();
  }

  async #identified(table: RouteTable, auth: RouteAuth, request: IncomingMessage): Promise<Caller> {
    const token = auth.jwt ? bearerOf(request) : undefined;
    if (token !== undefined) return this.#byToken(table, token);
    const caller = auth.session ? await this.#bySession(table, request) : anonymous;
    if (auth.required && caller.userId === undefined) throw new TokenRefused('token_required', 'absent');
    return caller;
  }

  /** A table's settings may be new and say the same; keys that were fetched for them are not thrown away then. */
  async #byToken({ identity }: RouteTable, token: string): Promise<Caller> {
    const settings = identity?.jwt;
    if (settings === undefined) throw new TokenRefused('token_invalid', 'no_settings');
    let verifier = this.#verifier;
    if (verifier === undefined || !verifier.serves(settings)) {
      verifier = new TokenVerifier(settings, this.#options.onKeysFailed);
      this.#verifier = verifier;
    }
    return verifier.callerOf(token);
  }

  async #bySession(table: RouteTable, request: IncomingMessage): Promise<Caller> {
    const { identify } = this.#options;
    if (identify !== undefined) return identify(request);
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
