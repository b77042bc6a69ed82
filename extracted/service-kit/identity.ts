import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { jwtVerify, SignJWT } from 'jose';
import { ProblemError, sendProblem } from './problem.ts';

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

/** How a service knows its callers. */
export interface IdentityOptions {
  /** IDENTITY_SECRET, at least 32 characters. */
  secret: string;
  /** This service's name: tokens for another are refused. */
  audience: string;
  /** Who may call: ['facade'], or ['facade', 'booking']. */
  issuers: string[];
}

const open = new Set(['/livez', '/readyz', '/openapi.json', '/metrics']);

/**
 * Refuses every request without a valid identity before its body is read (401 `identity_required`, or
 * `identity_invalid` when there is one but it is bad), and sets `request.caller` on the others. The answer is
 * problem+json on every path: whoever gets it is not a client of the old application but a misrouted caller.
 */
export const identity = fp(async (app: FastifyInstance, options: IdentityOptions) => {
  const verify = createVerifier(options);
  app.decorateRequest('caller', null as unknown as Caller);
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    if (open.has(request.routeOptions.url ?? '')) return;
    const token = request.headers[identityHeader];
    if (token === undefined || token === '') return sendProblem(reply, required());
    const caller = await verify(String(token));
    if (caller === undefined) return sendProblem(reply, invalid());
    request.caller = caller;
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
    hint: 'Check that facade and services share IDENTITY_SECRET and that their clocks agree.',
  });
}

const mostKept = 2000;

/**
 * Verified tokens are kept until they expire, because one visitor's token comes with each of his requests and
 * checking a signature takes longer than answering. The cache is bounded: the oldest entry goes first.
 */
function createVerifier(options: IdentityOptions): (token: string) => Promise<Caller | undefined> {
  const key = new TextEncoder().encode(options.secret);
  const kept = new Map<string, { caller: Caller; expires: number }>();
  return async (token) => {
    const known = kept.get(token);
    if (known !== undefined && known.expires > Date.now()) return known.caller;
    const verified = await verify(token, key, options);
    if (verified === undefined) return undefined;
    if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '');
    kept.set(token, verified);
    return verified.caller;
  };
}

async function verify(
  token: string,
  key: Uint8Array,
  { audience, issuers }: IdentityOptions,
): Promise<{ caller: Caller; expires: number } | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      audience,
      issuer: issuers,
      typ: tokenType,
      requiredClaims: ['iss', 'aud', 'iat', 'exp'],
      maxTokenAge: lifetimeSeconds,
      clockTolerance: 5,
    });
    const caller: Caller = { issuer: payload.iss as string };
    if (payload.sub !== undefined) {
      if (!/^\d{1,15}$/.test(payload.sub)) return undefined;
      caller.userId = Number(payload.sub);
    }
    if (payload.role === 'customer' || payload.role === 'admin') caller.role = payload.role;
    else if (payload.role !== undefined) return undefined;
    return { caller: Object.freeze(caller), expires: (payload.exp ?? 0) * 1000 };
  } catch {
    return undefined;
  }
}

/** Signs an identity that lasts 60 s. For a service that calls another, and for tests. */
export async function mintIdentity(options: {
  secret: string;
  /** Who signs: the calling service's name, or 'facade'. */
  issuer: string;
  /** The called service's name. */
  audience: string;
  userId?: number;
  role?: 'customer' | 'admin';
}): Promise<string> {
  const token = new SignJWT(options.role === undefined ? {} : { role: options.role })
    .setProtectedHeader({ alg: 'HS256', typ: tokenType })
    .setIssuer(options.issuer)
    .setAudience(options.audience)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds}s`);
  if (options.userId !== undefined) token.setSubject(String(options.userId));
  return token.sign(new TextEncoder().encode(options.secret));
}

/** A service's own identity towards another, minted anew when less than 15 s of it are left. */
export function ownIdentity(options: {
  secret: string;
  issuer: string;
  audience: string;
}): () => Promise<string> {
  let token: Promise<string> | undefined;
  let renewAt = 0;
  return () => {
    if (token === undefined || Date.now() >= renewAt) {
      renewAt = Date.now() + (lifetimeSeconds - 15) * 1000;
      token = mintIdentity(options);
    }
    return token;
  };
}
