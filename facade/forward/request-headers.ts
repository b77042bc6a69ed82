import type { IncomingMessage } from 'node:http';
import { traceIdOf } from '@strangler-fig/kernel/trace';
import type { Backend } from '../routes/model.ts';
import { hopByHop } from './hop-by-hop.ts';

/** The header that carries the facade's signed identity to services. Only the facade sets it. */
export const identityHeader = 'x-strangler-identity';

/**
 * Headers by which a client could pretend to be a proxy, or another caller, besides all of x-forwarded-*. They are
 * dropped, and the facade writes those that it vouches for. `x-original-url` and `x-rewrite-url` replace the path
 * in some frameworks.
 */
const claimedByTheFacade = new Set([
  identityHeader,
  'forwarded',
  'x-original-host',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
]);

/** Written anew below; 100-continue is answered by the facade itself. */
const replaced = new Set(['expect', 'host', 'traceparent']);

/** What the facade itself says to a backend about a request. */
export interface Vouched {
  /** The client's address, and those of trusted proxies after it. */
  readonly forwardedFor: string;
  /** The scheme by which the client reached the facade. */
  readonly scheme: 'http' | 'https';
  /** The authority that the client asked for; empty where an HTTP/1.0 client named none. */
  readonly host: string;
  /** A W3C trace context, passed on or made. */
  readonly traceparent: string;
  /** A signed identity, for backends that ask for one. */
  readonly identity: string | undefined;
}

/**
 * The headers of the request to a backend, as a flat list of names and values: the client's, in their order and
 * spelling, without those that end here, and then what the facade vouches for.
 */
export function requestHeaders(request: IncomingMessage, backend: Backend, vouched: Vouched): string[] {
  const endsHere = hopByHop(request.headers.connection);
  const { host, traceparent } = vouched;
  // A trace that starts here has no state from elsewhere (W3C Trace Context, 4.3).
  const { traceparent: received } = request.headers;
  const newTrace = received !== traceparent && !isSameTrace(received, traceparent);
  const headers: string[] = [];
  const raw = request.rawHeaders;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    const lower = name.toLowerCase();
    if (endsHere(lower) || replaced.has(lower) || isClaim(lower)) continue;
    if (newTrace && lower === 'tracestate') continue;
    headers.push(name, raw[index + 1] as string);
  }
  headers.push('host', backend.host === 'preserve' && host !== '' ? host : hostOf(backend));
  headers.push('x-forwarded-for', vouched.forwardedFor);
  headers.push('x-forwarded-proto', vouched.scheme);
  if (host !== '') headers.push('x-forwarded-host', host);
  headers.push('traceparent', traceparent);
  if (vouched.identity !== undefined) headers.push(identityHeader, vouched.identity);
  return headers;
}

/** Whether the facade has only put a span of its own in the place of the client's. */
function isSameTrace(received: string | string[] | undefined, traceparent: string): boolean {
  return typeof received === 'string' && traceIdOf(received) === traceIdOf(traceparent);
}

/** Some servers behind take `X_Forwarded_For` for `X-Forwarded-For`, as CGI did. */
export function isClaim(lowerCaseName: string): boolean {
  const name = lowerCaseName.includes('_') ? lowerCaseName.replaceAll('_', '-') : lowerCaseName;
  return name.startsWith('x-forwarded-') || claimedByTheFacade.has(name);
}

/** The Host under which a backend knows itself: its URL's authority. */
function hostOf(backend: Backend): string {
  return backend.url.slice(backend.url.indexOf('//') + 2).replace(/\/$/, '');
}
