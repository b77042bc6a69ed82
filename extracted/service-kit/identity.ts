import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { decodeJwt, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose';
import { OwnKeys } from './own-keys.ts';
import { ProblemError, sendProblem } from './problem.ts';
import { KeysUnavailableError, PublishedKeys } from './published-keys.ts';

/** Who makes a request, as the facade or another service vouches for it. */
export interface Caller {
  /** Who signed: 'facade', or a service's name. */
  issuer: string;
  /** Legacy user id; absent for a visitor who is not logged in. */
  userId?: number;
  /** Absent for a visitor who is not logged in. */
  role?: 'customer' | 'admin';
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every path but the open ones (/livez, /readyz, /openapi.json, /metrics). */
    caller: Caller;
  }
}

/** Header that carries the identity. */
export const identityHeader = 'x-strangler-identity';

const tokenType = 'strangler-identity+jwt';
const lifetimeSeconds = 60;

export { OwnKeys };

/** What identities are verified with, and signed by a service that calls others. */
export type IdentityKeys =
  | {
      /** Where each issuer publishes its public keys as a JWKS, by the issuer's name. */
      jwks: Readonly<Record<string, string>>;
      /** This service's own keys, for one that calls others; published at /.well-known/jwks.json. */
      own?: OwnKeys;
    }
  /** One secret, at least 32 characters, that all share: simple, but whoever verifies could also sign. */
  | { secret: string };

/** How a service knows its callers. */
export interface IdentityOptions {
  keys: IdentityKeys;
  /** This service's name: tokens for another are refused. */
  audience: string;
  /** Who may call: ['facade'], or ['facade', 'booking']. With published keys, each must have its own. */
  issuers: string[];
}

const publishedAt = '/.well-known/jwks.json';

const open = new Set(['/livez', '/readyz', '/openapi.json', '/metrics', publishedAt]);

/**
 * Refuses every request without a valid identity before its body is read (401 `identity_required`, or
 * `identity_invalid` when there is one but it is bad; 503 `identity_keys_unavailable` while nobody can tell), and
 * sets `request.caller` on the others. The answer is problem+json on every path: whoever gets it is not a client of
 * the old application but a misrouted caller.
 */
export const identity = fp(async (app: FastifyInstance, options: IdentityOptions) => {
  const issuers = issuersOf(options);
  const verify = createVerifier(options.audience, issuers.find);
  app.addHook('onReady', async () => issuers.fetchAhead());
  app.addHook('onClose', async () => issuers.close());
  const own = 'jwks' in options.keys ? options.keys.own : undefined;
  if (own !== undefined) app.get(publishedAt, { schema: { hide: true } }, async () => own.published());
  app.decorateRequest('caller', null as unknown as Caller);
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    if (open.has(request.routeOptions.url ?? '')) return;
    const token = request.headers[identityHeader];
    if (token === undefined || token === '') return sendProblem(reply, required());
    try {
      const caller = await verify(String(token));
      if (caller === undefined) return sendProblem(reply, invalid());
      request.caller = caller;
    } catch (error) {
      if (!(error instanceof KeysUnavailableError)) throw error;
      request.log.warn({ err: error }, 'callers cannot be identified');
      return sendProblem(reply, unavailable());
    }
  });
});

function required(): ProblemError {
  return new ProblemError('identity_required', {
    status: 401,
    detail: `This service answers only requests that carry ${identityHeader}.`,
    hint: 'Go through the facade, with `identity: true` on this backend.',
  });
}

function invalid(): ProblemError {
  return new ProblemError('identity_invalid', {
    status: 401,
    detail: `The ${identityHeader} of this request is expired, forged or meant for another service.`,
    hint: 'Check that this service has the keys of the facade that signed (IDENTITY_JWKS_URL), and that clocks agree.',
  });
}

function unavailable(): ProblemError {
  return new ProblemError('identity_keys_unavailable', {
    status: 503,
    detail: 'The keys that identities are verified with cannot be had now.',
    hint: 'See whether whoever signs them runs, and IDENTITY_JWKS_URL.',
    retryAfterSeconds: 1,
  });
}

/** What one issuer's tokens are verified with. */
interface Issuer {
  readonly name: string;
  readonly algorithm: 'EdDSA' | 'HS256';
  readonly key: JWTVerifyGetKey;
}

interface Issuers {
  /** Undefined: nobody of that name may call. */
  find(name: unknown): Issuer | undefined;
  fetchAhead(): void;
  close(): void;
}

function issuersOf({ keys, issuers }: IdentityOptions): Issuers {
  const known = new Map<unknown, Issuer>();
  if ('secret' in keys) {
    const secret = new TextEncoder().encode(keys.secret);
    for (const name of issuers) known.set(name, { name, algorithm: 'HS256', key: async () => secret });
    return { find: (name) => known.get(name), fetchAhead() {}, close() {} };
  }
  const followed = issuers.map((name) => {
    const url = keys.jwks[name];
    if (url === undefined) throw new Error(`Nothing says where ${name} publishes its keys.`);
    const published = new PublishedKeys(url);
    known.set(name, { name, algorithm: 'EdDSA', key: published.find });
    return published;
  });
  return {
    find: (name) => known.get(name),
    fetchAhead() {
      for (const published of followed) published.fetchAhead();
    },
    close() {
      for (const published of followed) published.close();
    },
  };
}

const mostKept = 2000;

/**
 * Verified tokens are kept until they expire, because one visitor's token comes with each of his requests and
 * checking a signature takes longer than answering. The cache is bounded: the oldest entry goes first.
 */
function createVerifier(
  audience: string,
  issuerOf: Issuers['find'],
): (token: string) => Promise<Caller | undefined> {
  const kept = new Map<string, { caller: Caller; expires: number }>();
  return async (token) => {
    const known = kept.get(token);
    if (known !== undefined && known.expires > Date.now()) return known.caller;
    const verified = await verify(token, audience, issuerOf);
    if (verified === undefined) return undefined;
    if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '');
    kept.set(token, verified);
    return verified.caller;
  };
}

/** A token counts if the keys of the very issuer that it names say so: booking cannot sign as the facade. */
async function verify(
  token: string,
  audience: string,
  issuerOf: Issuers['find'],
): Promise<{ caller: Caller; expires: number } | undefined> {
  try {
    const issuer = issuerOf(decodeJwt(token).iss);
    if (issuer === undefined) return undefined;
    const { payload } = await jwtVerify(token, issuer.key, {
      algorithms: [issuer.algorithm],
      audience,
      issuer: issuer.name,
      typ: tokenType,
      requiredClaims: ['iss', 'aud', 'iat', 'exp'],
      maxTokenAge: lifetimeSeconds,
      clockTolerance: 5,
    });
    const caller: Caller = { issuer: issuer.name };
    if (payload.sub !== undefined) {
      if (!/^\d{1,15}$/.test(payload.sub)) return undefined;
      caller.userId = Number(payload.sub);
    }
    if (payload.role === 'customer' || payload.role === 'admin') caller.role = payload.role;
    else if (payload.role !== undefined) return undefined;
    return { caller: Object.freeze(caller), expires: (payload.exp ?? 0) * 1000 };
  } catch (error) {
    if (error instanceof KeysUnavailableError) throw error;
    return undefined;
  }
}

/** Whom an identity names, and for whom it is. */
export interface IdentityClaims {
  /** Who signs: the calling service's name, or 'facade'. */
  issuer: string;
  /** The called service's name. */
  audience: string;
  userId?: number;
  role?: 'customer' | 'admin';
}

/** Signs an identity that lasts 60 s, with the service's own keys or the shared secret. */
export async function mintIdentity(
  options: IdentityClaims & ({ secret: string } | { own: OwnKeys }),
): Promise<string> {
  const own = 'own' in options ? options.own.signing() : undefined;
  const header = own === undefined ? { alg: 'HS256' } : { alg: 'EdDSA', kid: own.kid };
  const token = new SignJWT(options.role === undefined ? {} : { role: options.role })
    .setProtectedHeader({ ...header, typ: tokenType })
    .setIssuer(options.issuer)
    .setAudience(options.audience)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds}s`);
  if (options.userId !== undefined) token.setSubject(String(options.userId));
  return token.sign(own?.key ?? new TextEncoder().encode('secret' in options ? options.secret : ''));
}

/** A service's own identity towards another, minted anew when less than 15 s of it are left or another key signs. */
export function ownIdentity(claims: IdentityClaims, keys: IdentityKeys): () => Promise<string> {
  const { own, secret } = { own: undefined, secret: undefined, ...keys };
  if (own === undefined && secret === undefined) throw new Error(`${claims.issuer} has no keys of its own.`);
  const signed = { ...claims, ...(own === undefined ? { secret: secret ?? '' } : { own }) };
  let token: Promise<string> | undefined;
  let renewAt = 0;
  let kid: string | undefined;
  return () => {
    const signsNow = own?.signing().kid;
    if (token === undefined || Date.now() >= renewAt || signsNow !== kid) {
      kid = signsNow;
      renewAt = Date.now() + (lifetimeSeconds - 15) * 1000;
      token = mintIdentity(signed);
    }
    return token;
  };
}
