import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { type HttpOrigin, startOrigin } from '../../tests/origins.ts';

export const issuerName = 'https://login.example';
export const audience = 'shop';

/** One key of an issuer. */
export interface IssuerKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export async function issuerKey(kid: string, alg = 'RS256'): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** The public half of a key as a PEM file has it. */
export function pemOf({ publicJwk }: IssuerKey): string {
  const key = createPublicKey({ key: publicJwk as JsonWebKey, format: 'jwk' });
  return key.export({ type: 'spki', format: 'pem' }) as string;
}

/** What a test changes of a good token. */
export interface TokenChange {
  readonly payload?: JWTPayload;
  /** Members of the header; undefined takes one out. */
  readonly header?: Record<string, unknown>;
}

/** A token as a good issuer makes it, but for the change. Times are in seconds from now. */
export function token(
  { alg, kid, privateKey }: IssuerKey,
  { payload = {}, header = {} }: TokenChange = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuerName, aud: audience, sub: '7', role: 'admin', iat: now, exp: now + 300 };
  return new SignJWT({ ...claims, ...payload })
    .setProtectedHeader({ alg, kid, typ: 'JWT', ...header } as { alg: string })
    .sign(privateKey);
}

/** Puts a token together without a signature, or with one that the test made. */
export function assembled(header: object, payload: object, signature = ''): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(payload)}.${signature}`;
}

/** An endpoint with the issuer's public keys; closed when the test is done. */
export interface Issuer {
  readonly url: string;
  readonly origin: HttpOrigin;
  /** What it publishes; undefined: it answers 500. */
  keys: readonly JWK[] | undefined;
  /** How often it was asked. */
  readonly questions: () => number;
}

export async function startIssuer(...keys: readonly IssuerKey[]): Promise<Issuer> {
  const issuer = { keys: keys.map(({ publicJwk }) => publicJwk) as readonly JWK[] | undefined };
  const origin = await startOrigin((_, response) => {
    response.writeHead(issuer.keys === undefined ? 500 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: issuer.keys ?? [] }));
  });
  const url = `http://127.0.0.1:${origin.port}/jwks.json`;
  return Object.assign(issuer, { url, origin, questions: () => origin.asked.length });
}
