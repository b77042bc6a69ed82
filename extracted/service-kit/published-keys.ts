import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';

/** Nobody can say now which keys an issuer has. */
export class KeysUnavailableError extends Error {
  readonly code = 'identity_keys_unavailable';

  constructor(url: string, cause: unknown) {
    super(`The keys at ${url} cannot be fetched.`, { cause });
    this.name = 'KeysUnavailableError';
  }
}

/** Milliseconds after which keys are fetched again. A rotation waits longer before it signs with a new one. */
const maxAge = 60_000;
/** Milliseconds after a fetch in which neither an unknown key nor an old set causes another. */
const coolDown = 1_000;
const longestFetch = 3_000;
const mostBytes = 64 * 1024;

/**
 * The public keys that an issuer publishes as a JWKS (RFC 7517): fetched when first needed, again when they are a
 * minute old or a token names one that is not among them, and used beyond that for as long as they cannot be
 * fetched. Requests share one fetch. A service so starts without its issuers, and recovers when they come.
 */
export class PublishedKeys {
  readonly #url: string;
  readonly #closed = new AbortController();
  #keys: { readonly find: JWTVerifyGetKey; readonly since: number } | undefined;
  #fetching: Promise<void> | undefined;
  #tried = Number.NEGATIVE_INFINITY;
  #failed: unknown;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * The key that a token names; for jose's `jwtVerify`.
   * @throws KeysUnavailableError where nobody can tell, jose's JWKSNoMatchingKey where there is no such key.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const keys = this.#keys;
    if (keys === undefined) await this.#refresh();
    else if (performance.now() - keys.since > maxAge) {
      const refreshed = this.#refresh();
      // While they cannot be fetched, nobody waits to learn it again.
      if (this.#failed === undefined) await refreshed;
    }
    if (this.#keys === undefined) throw new KeysUnavailableError(this.#url, this.#failed);
    try {
      return await this.#keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#refresh();
      if (this.#failed !== undefined) throw new KeysUnavailableError(this.#url, this.#failed);
      return this.#keys.find(header, token);
    }
  };

  /** Fetches them before the first request does. */
  fetchAhead(): void {
    void this.#refresh();
  }

  close(): void {
    this.#closed.abort();
  }

  /** Waits for the fetch under way, or makes one unless there was one just now. Never fails: see #failed. */
  #refresh(): Promise<void> {
    if (this.#fetching === undefined && performance.now() - this.#tried < coolDown) return Promise.resolve();
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #load(): Promise<void> {
    try {
      const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(longestFetch)]);
      const jwks = await fetchKeySet(this.#url, signal);
      this.#keys = { find: createLocalJWKSet(jwks), since: performance.now() };
      this.#failed = undefined;
    } catch (error) {
      this.#failed = error ?? new Error('unknown');
    } finally {
      this.#tried = performance.now();
    }
  }
}

async function fetchKeySet(url: string, signal: AbortSignal): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal,
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status}`);
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > mostBytes) throw new Error(`it has more than ${mostBytes} bytes`);
    pieces.push(piece);
  }
  const value = JSON.parse(Buffer.concat(pieces).toString()) as Partial<JSONWebKeySet> | null;
  if (!Array.isArray(value?.keys) || value.keys.length === 0) throw new Error('it has no keys');
  return { keys: value.keys };
}
