import { faultHeader } from '../faults/fault.ts';
import { hopByHop } from '../forward/hop-by-hop.ts';
import { isClaim } from '../forward/request-headers.ts';
import { servedByHeader } from '../forward/response-headers.ts';

const endsHere = hopByHop(undefined);

/**
 * Why a route may not change a header; undefined where it may.
 * @param name in lower case.
 */
export function forbiddenHeader(name: string, of: 'request' | 'answer'): string | undefined {
  if (endsHere(name)) return 'belongs to one connection and never travels on';
  if (name === 'content-length') return "says where a body ends, which is not the route's to say";
  if (name === 'content-encoding') return 'says how a body is coded, which stays as it is';
  if (name.startsWith('sec-websocket-')) return "belongs to a WebSocket's handshake";
  if (of === 'answer') {
    return name === servedByHeader || name === faultHeader ? "is the facade's own" : undefined;
  }
  if (isClaim(name)) return 'is what the facade vouches for';
  if (name === 'traceparent' || name === 'tracestate') return 'is the trace of the request';
  if (name === 'expect') return 'is met by the facade itself';
  return name === 'host' ? 'is chosen by "host: backend" of the backend' : undefined;
}
