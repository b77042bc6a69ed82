import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Caller } from './caller.ts';

/** Seconds for which an identity is valid: long enough for a slow request, too short to be worth stealing. */
const lifetime = 60;

/** Milliseconds for which one token is used again: a signature for each request would cost more than routing it. */
const reuse = 10_000;
const mostKept = 10_000;

/** What identities are signed with: a private key whose other half is published, or a secret that services share. */
export type IdentityKey =
  | { readonly alg: 'EdDSA'; readonly kid: string; readonly key: KeyObject }
  | { readonly alg: 'HS256'; readonly kid?: undefined; readonly key: Uint8Array };

/** Signs who the caller is, for one backend. */
export type SignIdentity = (caller: Caller, audience: string) => Promise<string>;

/**
 * Makes the signer of identities: a JWT (RFC 7519), `iss` facade, `aud` the backend's name, `sub` the user's id
 * (absent for a visitor), `role`, valid for 60 s, of which at least 50 s are left.
 */
export function identitySigner(key: IdentityKey): SignIdentity {
  const kept = new Map<string, { token: Promise<string>; until: number }>();
  return (caller, audience) => {
    const now = Date.now();
    const name = JSON.stringify([audience, caller.userId, caller.role]);
    const known = kept.get(name);
    if (known !== undefined && now < known.until) return known.token;
    const token = sign(key, caller, audience);
    kept.delete(name);
    if (kept.size >= mostKept) kept.delete(kept.keys().next().value as string);
    kept.set(name, { token, until: now + reuse });
    return token;
  };
}

function sign({ alg, kid, key }: IdentityKey, caller: Caller, audience: string): Promise<string> {
  const token = new SignJWT(caller.role === undefined ? {} : { role: caller.role })
    .setProtectedHeader({ alg, typ: 'strangler-identity+jwt', ...(kid === undefined ? {} : { kid }) })
    .setIssuer('facade')
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(`${lifetime} s`);
  if (caller.userId !== undefined) token.setSubject(caller.userId);
  return token.sign(key);
}
