import { hash, randomBytes } from 'node:crypto';
import type { Route, Share } from '../routes/model.ts';
import { forcedBackend } from './force.ts';
import type { Probe } from './probe.ts';

/** Which of a route's backends a client is sent to. */
export interface Assignment {
  readonly backend: string;
  /** Where on the line from 0 to 1 the client stands; undefined where the route has one backend. */
  readonly bucket?: number;
  /** A Set-Cookie header's value that keeps a client on its side who brought nothing to be known by. */
  readonly setCookie?: string;
  /** The request asked for this backend, and the route lets it. */
  readonly forced?: true;
}

/** What clients get who cannot be told apart by what the route names. */
export const defaultStickyCookie = 'strangler_id';

const year = 365 * 24 * 3600;

/**
 * Sends a client to one of a route's backends by weight, always to the same one.
 *
 * The key (cookie, header or address) alone decides where between 0 and 1 the client stands, so it stands there
 * on every route, in every process. The line is divided among the backends in the order of their names. With
 * two, the one border moves when either grows, and only clients between the old and the new border change
 * sides, all of them to the one that grew. With three or more no division of one line has this property for
 * every change: the clients between an old and a new border move, which are never more than twice those that
 * must. Weights given to a third backend for a while are best taken from its neighbour in the alphabet.
 */
export function assign(route: Route, probe: Probe): Assignment {
  const [first, ...others] = route.shares;
  if (first === undefined) throw new Error(`Route ${route.name} has no backend.`);
  const forced = forcedBackend(route, probe);
  if (forced !== undefined) return { backend: forced, forced: true };
  if (others.length === 0) return { backend: first.backend };
  const known = stickyKey(route, probe);
  if (known !== undefined) return place(route.shares, known);
  const key = randomBytes(16).toString('base64url');
  return { ...place(route.shares, key), setCookie: cookieFor(issuedCookie(route), key) };
}

function place(shares: readonly Share[], key: string): Assignment {
  const bucket = bucketOf(key);
  return { backend: backendAt(shares, bucket), bucket };
}

/** 2^48 places, each as likely as the others: finer than any weight. */
export function bucketOf(key: string): number {
  return hash('sha256', key, 'buffer').readUIntBE(0, 6) / 2 ** 48;
}

/** 9:1 and 90:10 give the same borders to the last bit, since a quotient is rounded once. */
function backendAt(shares: readonly Share[], bucket: number): string {
  let total = 0;
  for (const { weight } of shares) total += weight;
  let upTo = 0;
  for (const { backend, weight } of shares) {
    upTo += weight;
    if (bucket < upTo / total) return backend;
  }
  throw new Error('All weights are 0.');
}

function stickyKey({ sticky }: Route, probe: Probe): string | undefined {
  if (sticky?.by === 'address' && probe.clientAddress !== '') return probe.clientAddress;
  const header = sticky?.by === 'header' ? probe.header(sticky.name) : undefined;
  if (header !== undefined && header !== '') return header;
  const cookie = probe.cookie(sticky?.by === 'cookie' ? sticky.name : defaultStickyCookie);
  return cookie === '' ? undefined : cookie;
}

function issuedCookie({ sticky }: Route): string {
  return sticky?.by === 'cookie' ? sticky.name : defaultStickyCookie;
}

function cookieFor(name: string, value: string): string {
  return `${name}=${value}; Path=/; Max-Age=${year}; HttpOnly; SameSite=Lax`;
}
