import { type Stats, statSync } from 'node:fs';
import type { JSONWebKeySet } from 'jose';
import { openKeyFile, readKeyFile, type SigningKey } from './key-file.ts';

/** Milliseconds between looks at the file. */
const lookEvery = 1_000;

/**
 * The key that signs now: of those whose time has come the latest; before that of any, the first.
 * @param keys in the order in which they sign.
 * @param now milliseconds since 1970.
 */
export function signingKey(keys: readonly SigningKey[], now: number): SigningKey {
  return (keys.findLast(({ signsFrom }) => signsFrom <= now) ?? keys[0]) as SigningKey;
}

/** The keys that services are to accept now: those to come, those not yet withdrawn, and what signs in any case. */
export function publishedKeys(keys: readonly SigningKey[], now: number): readonly SigningKey[] {
  const signing = signingKey(keys, now);
  return keys.filter((key) => key === signing || (key.publishedUntil ?? Number.POSITIVE_INFINITY) > now);
}

/** The keys of a file, which is followed: what a rotation writes to it holds within a second or two. */
export class KeyRing {
  readonly file: string;
  readonly #onFailure: (error: Error) => void;
  readonly #looking: NodeJS.Timeout;
  #keys: readonly SigningKey[];
  #seen: string;

  /**
   * Reads the file, or makes it.
   * @param onFailure told once of each content that cannot be used; the last good keys stay.
   * @throws Failure `identity_keys_unusable`
   */
  constructor(file: string, onFailure: (error: Error) => void) {
    this.file = file;
    this.#onFailure = onFailure;
    // Before the keys are read: what is written between the two is seen by the first look.
    this.#seen = mark(file);
    this.#keys = openKeyFile(file);
    this.#looking = setInterval(() => this.#look(), lookEvery);
    this.#looking.unref();
  }

  signing(): SigningKey {
    return signingKey(this.#keys, Date.now());
  }

  /** For services, as a JWKS (RFC 7517). */
  published(): JSONWebKeySet {
    return { keys: publishedKeys(this.#keys, Date.now()).map(({ publicJwk }) => publicJwk) };
  }

  close(): void {
    clearInterval(this.#looking);
  }

  #look(): void {
    const seen = mark(this.file);
    if (seen === this.#seen) return;
    this.#seen = seen;
    try {
      this.#keys = readKeyFile(this.file);
    } catch (error) {
      this.#onFailure(error as Error);
    }
  }
}

/** What changes when a file is replaced or written. */
function mark(file: string): string {
  const stats: Stats | undefined = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? 'missing' : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}
