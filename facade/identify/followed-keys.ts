import { open } from 'node:fs/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { request } from 'undici';
import { boundedText } from './bounded-text.ts';
import { mostKeyBytes, publicKeysIn } from './public-keys.ts';

/** Gets the text that the keys are in; given up when the signal says so. */
export type FetchKeys = (signal: AbortSignal) => Promise<string>;

export interface FollowedKeysOptions {
  /** Milliseconds after which the keys are fetched again. Default ten minutes. */
  readonly maxAge?: number;
  /** Milliseconds after a fetch in which an unknown key does not cause another. Default 30 s. */
  readonly coolDown?: number;
  /** Told each time they could not be fetched. */
  readonly onFailure: (error: Error) => void;
}

/** Milliseconds that one fetch may take. */
const longestFetch = 5_000;
/** Milliseconds after a failed fetch without which every request would wait for its own. */
const pauseWithoutKeys = 1_000;

/**
 * Public keys that live elsewhere: fetched when first needed, again when they are old or a token names one that is
 * not among them, and used beyond their age for as long as they cannot be fetched. Requests share one fetch.
 */
export class FollowedKeys {
  readonly #fetch: FetchKeys;
  readonly #maxAge: number;
  readonly #coolDown: number;
  readonly #onFailure: (error: Error) => void;
  readonly #closed = new AbortController();
  #keys: { readonly find: JWTVerifyGetKey; readonly since: number } | undefined;
  #fetching: Promise<void> | undefined;
  #tried = Number.NEGATIVE_INFINITY;
  #failed: Error | undefined;

  constructor(fetch: FetchKeys, options: FollowedKeysOptions) {
    this.#fetch = fetch;
    this.#maxAge = options.maxAge ?? 600_000;
    this.#coolDown = options.coolDown ?? 30_000;
    this.#onFailure = options.onFailure;
  }

  /**
   * The key that a token names; for jose's `jwtVerify`.
   * @throws Failure `keys_unavailable` where nobody can tell, jose's errors where there is no such key.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const since = this.#keys?.since;
    if (since === undefined) {
      if (this.#since(this.#tried) >= pauseWithoutKeys || this.#fetching !== undefined) await this.#refresh();
    } else if (this.#since(since) > this.#maxAge && this.#since(this.#tried) >= this.#coolDown) {
      const refreshed = this.#refresh();
      // While they cannot be fetched, nobody waits to learn it again.
      if (this.#failed === undefined) await refreshed;
    }
    if (this.#keys === undefined) throw unavailable(this.#failed);
    try {
      return await this.#keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (this.#since(this.#tried) >= this.#coolDown || this.#fetching !== undefined) await this.#refresh();
      // It may be a new key, of which nobody can be told now.
      if (this.#failed !== undefined) throw unavailable(this.#failed);
      return this.#keys.find(header, token);
    }
  };

  close(): void {
    this.#closed.abort();
  }

  #since(then: number): number {
    return performance.now() - then;
  }

  #refresh(): Promise<void> {
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #load(): Promise<void> {
    try {
      const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(longestFetch)]);
      const { jwks, named } = publicKeysIn(await this.#fetch(signal));
      const local = createLocalJWKSet(jwks);
      const find: JWTVerifyGetKey = named ? local : ({ kid: _, ...header }, token) => local(header, token);
      this.#keys = { find, since: performance.now() };
      this.#failed = undefined;
    } catch (error) {
      this.#failed = error instanceof Error ? error : new Error(String(error));
      if (!this.#closed.signal.aborted) this.#onFailure(this.#failed);
    } finally {
      this.#tried = performance.now();
    }
  }
}

/** Fetches over HTTP: 200 and at most 256 KiB, redirects are not followed. */
export function fromUrl(url: string): FetchKeys {
  return async (signal) => {
    const answer = await request(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      signal,
      headersTimeout: longestFetch,
      bodyTimeout: longestFetch,
      reset: true,
    });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Error(`it answered ${answer.statusCode}`);
    }
    return boundedText(answer.body, mostKeyBytes);
  };
}

/** Reads a file of at most 256 KiB. */
export function fromFile(file: string): FetchKeys {
  return async () => {
    const handle = await open(file);
    try {
      if ((await handle.stat()).size > mostKeyBytes)
        throw new Error(`it has more than ${mostKeyBytes} bytes`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  };
}

function unavailable(cause: Error | undefined): Failure {
  return new Failure('keys_unavailable', 'The keys that tokens are verified with cannot be had now.', {
    cause,
  });
}
