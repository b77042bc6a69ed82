import { createPublicKey } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';

/** Bytes of a JWKS or key file; one with a hundred keys is smaller. */
export const mostKeyBytes = 256 * 1024;

/** Public keys, and whether they have names: a key in PEM has none, whatever `kid` a token says. */
export interface PublicKeys {
  readonly jwks: JSONWebKeySet;
  readonly named: boolean;
}

/** Members of a JWK that only whoever signs may have (RFC 7518, 6). */
const secretMembers = ['d', 'k', 'p', 'q', 'priv'];

/**
 * The public keys in the text of a JWKS (RFC 7517, 5) or of a PEM file: one public key or certificate.
 * @throws Error, with what is wrong but nothing of the text, also where a private key is in it.
 */
export function publicKeysIn(text: string): PublicKeys {
  const pem = text.match(/-----BEGIN [A-Z0-9 ]+-----/g);
  if (pem === null) return { jwks: keySetIn(text), named: true };
  if (pem.some((line) => line.includes('PRIVATE'))) throw new Error('it holds a private key');
  if (pem.length > 1) throw new Error('it holds more than one key in PEM; several keys need a JWKS');
  let jwk: JWK;
  try {
    jwk = createPublicKey(text).export({ format: 'jwk' }) as JWK;
  } catch {
    throw new Error('its PEM cannot be read');
  }
  return { jwks: { keys: [jwk] }, named: false };
}

function keySetIn(text: string): JSONWebKeySet {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it is neither JSON nor PEM');
  }
  const keys = (value as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isMapping)) {
    throw new Error('it is not a JWKS: { "keys": [ … ] }');
  }
  if (keys.some((key) => secretMembers.some((member) => member in key))) {
    throw new Error('it holds a private or a secret key');
  }
  return { keys: keys as JWK[] };
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
