import { createHash } from 'node:crypto';
import { Failure } from '@strangler-fig/kernel/failure';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { TokenRefused } from './bearer.ts';
import type { Caller } from './caller.ts';
import type { JwtSettings } from './compile-jwt.ts';
import { FollowedKeys, fromFile, fromUrl } from './followed-keys.ts';

/** Milliseconds for which one verification counts, so that a key that is taken away soon counts no more. */
const remembered = 10_000;
const mostRemembered = 10_000;

/** Milliseconds after which a file is read again: it costs little. */
const fileAge = 60_000;

/** Verifies bearer tokens, and says whom they name. */
export class TokenVerifier {
  readonly #settings: JwtSettings;
  /** Another object that says the same, as after an edit of another part of routes.yaml. */
  #same: JwtSettings;
  readonly #find: JWTVerifyGetKey;
  readonly #followed: FollowedKeys | undefined;
  readonly #known = new Map<string, { readonly caller: Caller; readonly until: number }>();

  /** @param onFailure told each time the keys could not be fetched. */
  constructor(settings: JwtSettings, onFailure: (error: Error) => void) {
    this.#settings = settings;
    this.#same = settings;
    const { keys } = settings;
    if (keys.kind === 'secret') {
      const secret = new TextEncoder().encode(keys.secret);
      this.#find = async () => secret;
      return;
    }
    this.#followed =
      keys.kind === 'jwks'
        ? new FollowedKeys(fromUrl(keys.url), { onFailure })
        : new FollowedKeys(fromFile(keys.file), { onFailure, maxAge: fileAge });
    this.#find = this.#followed.find;
  }

  /** Whether it goes by settings that say what these do. */
  serves(settings: JwtSettings): boolean {
    if (this.#same === settings) return true;
    if (JSON.stringify(this.#settings) !== JSON.stringify(settings)) return false;
    this.#same = settings;
    return true;
  }

  /**
   * Whom a token names.
   * @throws TokenRefused `token_invalid`; Failure `keys_unavailable` where nobody can tell.
   */
  async callerOf(token: string): Promise<Caller> {
    // A digest, so that no token is kept in memory in a form in which it could be used.
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#known.get(key);
    if (known !== undefined && Date.now() < known.until) return known.caller;
    const { caller, expires } = await this.#verify(token);
    this.#known.delete(key);
    if (this.#known.size >= mostRemembered) this.#known.delete(this.#known.keys().next().value as string);
    this.#known.set(key, { caller, until: Math.min(expires, Date.now() + remembered) });
    return caller;
  }

  close(): void {
    this.#followed?.close();
  }

  async #verify(token: string): Promise<{ caller: Caller; expires: number }> {
    const { algorithms, issuer, audience, clockTolerance } = this.#settings;
    let payload: JWTPayload;
    try {
      const verified = await jwtVerify(token, this.#find, {
        algorithms: [...algorithms],
        issuer,
        audience: [...audience],
        clockTolerance: clockTolerance / 1000,
        requiredClaims: ['iss', 'aud', 'exp'],
      });
      payload = verified.payload;
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new TokenRefused('token_invalid', reasonOf(error));
    }
    return { caller: this.#named(payload), expires: (payload.exp ?? 0) * 1000 + clockTolerance };
  }

  #named(payload: JWTPayload): Caller {
    const { userId, role } = this.#settings;
    const id = Object.hasOwn(payload, userId) ? payload[userId] : undefined;
    const known = Number.isSafeInteger(id) || (typeof id === 'string' && id !== '' && id.length <= 255);
    if (!known) throw new TokenRefused('token_invalid', 'no_user');
    const named = Object.hasOwn(payload, role) ? payload[role] : undefined;
    const isRole = typeof named === 'string' && named !== '' && named.length <= 64;
    return Object.freeze({ userId: String(id), role: isRole ? named : undefined });
  }
}

/** A word for what jose finds wrong; nothing of the token is in it. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return ['iss', 'aud', 'nbf', 'iat', 'exp'].includes(error.claim) ? error.claim : 'claims';
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'key';
  // A key in the set that is broken is an error of another kind.
  return error instanceof errors.JOSEError ? 'malformed' : 'key';
}
