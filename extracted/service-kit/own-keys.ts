import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JSONWebKeySet, JWK } from 'jose';
import { ConfigurationError } from './environment.ts';

/** A key of Ed25519 (RFC 8037) that a service signs with. */
export interface OwnKey {
  readonly kid: string;
  readonly key: KeyObject;
  readonly publicJwk: JWK;
  /** Milliseconds since 1970. */
  readonly signsFrom: number;
  /** Milliseconds since 1970, or Infinity. */
  readonly publishedUntil: number;
}

/** Milliseconds between looks at the file. */
const lookEvery = 1_000;
const mostBytes = 64 * 1024;

/**
 * The keys that a service signs with, in a file of the same form as the facade's, so that `fig keys rotate` rotates
 * them too: a JWKS with private keys, each with `signsFrom` and `publishedUntil`. Several instances of a service
 * share the file. It is made, readable by its owner only, where there is none.
 */
export class OwnKeys {
  readonly #file: string;
  #keys: readonly OwnKey[];
  #seen: string;
  #looked = performance.now();

  /** @throws ConfigurationError where the file can neither be read nor made. */
  constructor(file: string) {
    this.#file = file;
    this.#seen = mark(file);
    try {
      if (this.#seen === 'missing') make(file);
      this.#keys = read(file);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new ConfigurationError(
        `The keys in ${file} cannot be used: ${code ?? message}.`,
        'Set IDENTITY_KEYS_FILE to a file of keys that this process may read, or to a path at which it may make one.',
      );
    }
  }

  /** The key to sign with now: of those whose time has come the latest. */
  signing(): OwnKey {
    const now = Date.now();
    const keys = this.#current();
    return (keys.findLast(({ signsFrom }) => signsFrom <= now) ?? keys[0]) as OwnKey;
  }

  /** The public keys that others are to accept now (RFC 7517). */
  published(): JSONWebKeySet {
    const signing = this.signing();
    const now = Date.now();
    const keys = this.#current().filter((key) => key === signing || key.publishedUntil > now);
    return { keys: keys.map(({ publicJwk }) => publicJwk) };
  }

  /** What a rotation wrote; of a file that cannot be read the last good keys stay. */
  #current(): readonly OwnKey[] {
    if (performance.now() - this.#looked < lookEvery) return this.#keys;
    this.#looked = performance.now();
    const seen = mark(this.#file);
    if (seen === this.#seen) return this.#keys;
    this.#seen = seen;
    try {
      this.#keys = read(this.#file);
    } catch {
      // Half-written, or gone: it is looked at again when it changes.
    }
    return this.#keys;
  }
}

interface KeyEntry {
  kty: string;
  crv: string;
  x: string;
  d: string;
  kid: string;
  signsFrom?: string;
  publishedUntil?: string;
}

function read(file: string): OwnKey[] {
  if (statSync(file).size > mostBytes) throw new Error('it is too large');
  let entries: readonly KeyEntry[];
  try {
    entries = (JSON.parse(readFileSync(file, 'utf8')) as { keys: KeyEntry[] }).keys;
    if (entries.length === 0) throw new Error('no keys');
    return entries.map(keyOf).sort((a, b) => a.signsFrom - b.signsFrom);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    // What the parser or the crypto library says may repeat what stands there.
    throw new Error('it is not a JWKS with private keys of Ed25519', { cause: error });
  }
}

function keyOf({ kid, kty, crv, x, d, signsFrom, publishedUntil }: KeyEntry): OwnKey {
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof kid !== 'string') throw new Error('another kind of key');
  const key = createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' });
  if (createPublicKey(key).export({ format: 'jwk' }).x !== x) throw new Error('halves of two keys');
  const from = signsFrom === undefined ? 0 : Date.parse(signsFrom);
  const until = publishedUntil === undefined ? Number.POSITIVE_INFINITY : Date.parse(publishedUntil);
  if (Number.isNaN(from) || Number.isNaN(until)) throw new Error('a time that is none');
  const publicJwk = { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' };
  return { kid, key, publicJwk, signsFrom: from, publishedUntil: until };
}

/** Of several instances that start at once one makes the file, whole from the first moment. */
function make(file: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  const kid = randomBytes(9).toString('base64url');
  const key = { ...privateKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' };
  mkdirSync(path.dirname(file), { recursive: true });
  const complete = `${file}.${kid}.new`;
  writeFileSync(complete, `${JSON.stringify({ keys: [key] }, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(complete, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(complete, { force: true });
  }
}

/** What changes when a file is replaced or written. */
function mark(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? 'missing' : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}
