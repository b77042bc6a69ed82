import type { IncomingMessage } from 'node:http';
import type { Backend } from '../routes/model.ts';
import { hopByHop } from './hop-by-hop.ts';

/** The header that carries the facade's signed identity to services. Only the facade sets it. */
export const identityHeader = 'x-strangler-identity';

/**
 * Headers by which a client could pretend to be a proxy, or another caller. They are dropped, and the facade
 * writes those that it vouches for. `x-original-url` and `x-rewrite-url` replace the path in some frameworks.
 */
const claimedByTheFacade = new Set([
  identityHeader,
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-original-host',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
]);

/** What the facade itself says to a backend about a request. */
export interface Vouched {
  /** The client's address as the facade's socket sees it. */
  clientAddress: string;
  /** The scheme by which the client reached the facade. */
  scheme: 'http' | 'https';
  /** A W3C trace context, passed on or made. */
  traceparent: string;
  /** A signed identity, for backends that ask for one. */
  identity: string | undefined;
}

/**
 * The headers of the request to a backend, as a flat list of names and values: the client's, in their order and
 * spelling, without those that end here, and then what the facade vouches for.
 */
export function requestHeaders(request: IncomingMessage, backend: Backend, vouched: Vouched): string[] {
  const endsHere = hopByHop(request.headers.connection);
  const headers: string[] = [];
  const raw = request.rawHeaders;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    const lower = name.toLowerCase();
    if (endsHere(lower) || claimedByTheFacade.has(lower)) continue;
    // The facade answers 100-continue itself; traceparent and Host follow below.
    if (lower === 'expect' || lower === 'traceparent' || lower === 'host') continue;
    headers.push(name, raw[index + 1] as string);
  }
  const clientHost = request.headers.host ?? '';
  headers.push('host', backend.host === 'preserve' && clientHost !== '' ? clientHost : hostOf(backend));
  headers.push('x-forwarded-for', vouched.clientAddress);
  headers.push('x-forwarded-proto', vouched.scheme);
  if (clientHost !== '') headers.push('x-forwarded-host', clientHost);
  headers.push('traceparent', vouched.traceparent);
  if (vouched.identity !== undefined) headers.push(identityHeader, vouched.identity);
  return headers;
}

/** The Host under which a backend knows itself: its URL's authority. */
export function hostOf(backend: Backend): string {
  return backend.url.slice(backend.url.indexOf('//') + 2).replace(/\/$/, '');
}
