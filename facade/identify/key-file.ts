import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import {
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Failure } from '@strangler-fig/kernel/failure';
import type { JWK } from 'jose';
import { z } from 'zod';

/** A key of Ed25519 that identities are signed with (RFC 8037), and from when until when. */
export interface SigningKey {
  readonly kid: string;
  readonly key: KeyObject;
  /** What verifies its signatures. */
  readonly publicJwk: JWK;
  /** Milliseconds since 1970. From then on it signs, unless a later one does. */
  readonly signsFrom: number;
  /** Milliseconds since 1970. From then on it is published no more; undefined: until a rotation says. */
  readonly publishedUntil: number | undefined;
}

/** Milliseconds from publishing a new key to signing with it: services know it by then. Default of a rotation. */
export const standardLead = 300_000;
/** Milliseconds for which the old key is published after that: longer than any identity that it signed is valid. */
export const standardOverlap = 120_000;

const mostBytes = 64 * 1024;
const base64url = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const time = z.iso.datetime();

/** A JWKS with private keys (RFC 7517), each with its times. */
const keyFile = z.object({
  keys: z
    .array(
      z.object({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        x: base64url,
        d: base64url,
        kid: z.string().min(1).max(64),
        signsFrom: time.optional(),
        publishedUntil: time.optional(),
      }),
    )
    .min(1)
    .max(32),
});

/**
 * The keys in a file. Without one, a file with one new key is made, readable by its owner only; of several facades
 * that start at once one makes it, and the others read it.
 * @throws Failure `identity_keys_unusable`
 */
export function openKeyFile(file: string): readonly SigningKey[] {
  try {
    return readKeyFile(file);
  } catch (error) {
    if ((error as Failure).cause === undefined || !isMissing((error as Failure).cause)) throw error;
  }
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    const complete = writeBeside(file, [newKey(Date.now())]);
    try {
      linkSync(complete, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(complete, { force: true });
    }
  } catch (error) {
    throw unusable(file, `it cannot be made (${reason(error)})`, error);
  }
  return readKeyFile(file);
}

/**
 * The keys in a file, in the order in which they sign.
 * @throws Failure `identity_keys_unusable`, with nothing of the keys in its message.
 */
export function readKeyFile(file: string): readonly SigningKey[] {
  let text: string;
  try {
    if (statSync(file).size > mostBytes) throw new Error('it is too large');
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw unusable(file, reason(error), error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(file, 'it is not JSON');
  }
  const parsed = keyFile.safeParse(value);
  if (!parsed.success)
    throw unusable(file, 'it is not a JWKS with private keys of Ed25519, as a rotation writes it');
  const kids = new Set(parsed.data.keys.map(({ kid }) => kid));
  if (kids.size < parsed.data.keys.length) throw unusable(file, 'two of its keys have the same kid');
  const keys = parsed.data.keys.map(({ kid, kty, crv, x, d, signsFrom, publishedUntil }) => {
    const key = createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' });
    const jwk = createPublicKey(key).export({ format: 'jwk' });
    if (jwk.x !== x) throw unusable(file, `the two halves of key ${kid} do not belong together`);
    return Object.freeze({
      kid,
      key,
      publicJwk: Object.freeze({ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }),
      signsFrom: signsFrom === undefined ? 0 : Date.parse(signsFrom),
      publishedUntil: publishedUntil === undefined ? undefined : Date.parse(publishedUntil),
    });
  });
  return keys.sort((a, b) => a.signsFrom - b.signsFrom);
}

/** Replaces a file of keys at once, readable by its owner only, who stays the same. */
export function replaceKeyFile(file: string, keys: readonly SigningKey[]): void {
  const { uid, gid } = statSync(file);
  const complete = writeBeside(file, keys);
  // Root may rotate what the facade, as somebody else, has to read.
  if (process.getuid?.() === 0) chownSync(complete, uid, gid);
  renameSync(complete, file);
}

/** A new key. */
export function newKey(signsFrom: number): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const kid = randomBytes(9).toString('base64url');
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  const publicJwk = { kty: 'OKP', crv: 'Ed25519', x: x as string, kid, alg: 'EdDSA', use: 'sig' };
  return { kid, key: privateKey, publicJwk, signsFrom, publishedUntil: undefined };
}

function writeBeside(file: string, keys: readonly SigningKey[]): string {
  const beside = `${file}.${randomBytes(6).toString('hex')}.new`;
  const entries = keys.map(({ kid, key, signsFrom, publishedUntil }) => ({
    ...key.export({ format: 'jwk' }),
    kid,
    alg: 'EdDSA',
    use: 'sig',
    signsFrom: new Date(signsFrom).toISOString(),
    ...(publishedUntil === undefined ? {} : { publishedUntil: new Date(publishedUntil).toISOString() }),
  }));
  const text = `${JSON.stringify({ keys: entries }, undefined, 2)}\n`;
  writeFileSync(beside, text, { mode: 0o600, flag: 'wx', flush: true });
  return beside;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function unusable(file: string, why: string, cause?: unknown): Failure {
  return new Failure('identity_keys_unusable', `The keys in ${file} cannot be used: ${why}.`, {
    hint: 'Give a file that this process may read, or a path at which it may make one.',
    exitCode: 2,
    ...(cause === undefined ? {} : { cause }),
  });
}
