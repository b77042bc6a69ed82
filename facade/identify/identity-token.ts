import { SignJWT } from 'jose';
import type { Caller } from './caller.ts';

/** Seconds for which an identity is valid: long enough for a slow request, too short to be worth stealing. */
const lifetime = 60;

/** Signs who the caller is, for one backend. */
export type SignIdentity = (caller: Caller, audience: string) => Promise<string>;

/**
 * Makes the signer of identities: a JWT (RFC 7519) with HS256, `iss` facade, `aud` the backend's name, `sub` the
 * user's id (absent for a visitor), `role`, valid for 60 s.
 * @param secret at least 32 characters, shared with the services.
 */
export function identitySigner(secret: string): SignIdentity {
  const key = new TextEncoder().encode(secret);
  return (caller, audience) => {
    const token = new SignJWT(caller.role === undefined ? {} : { role: caller.role })
      .setProtectedHeader({ alg: 'HS256', typ: 'strangler-identity+jwt' })
      .setIssuer('facade')
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${lifetime} s`);
    if (caller.userId !== undefined) token.setSubject(caller.userId);
    return token.sign(key);
  };
}
