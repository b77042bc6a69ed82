import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { AddressRanges } from '../limit/address-ranges.ts';
import { canonicalAddress } from '../limit/canonical-address.ts';
import { forwardedBy } from './forwarded-by.ts';

/** What is known of a request by the connection that it came on, and by proxies before the facade that are trusted. */
export interface Received {
  /** The request line's target, as it came over the wire. */
  readonly target: string;
  /**
   * The client's address, in canonical form: that of the connection, unless a trusted proxy says whose request it
   * passes on. Empty where the connection is gone.
   */
  readonly address: string;
  readonly scheme: 'http' | 'https';
  /** The client's address and those of the trusted proxies after it, as X-Forwarded-For has them. */
  readonly forwardedFor: string;
}

/**
 * IPv4 clients of a dual-stack socket appear as themselves.
 * @param trusted proxies whose word on the client counts; undefined: nobody's.
 */
export function receivedByServer(request: IncomingMessage, trusted: AddressRanges | undefined): Received {
  const { url = '', socket } = request;
  const peer = addressOf(socket.remoteAddress);
  const scheme = (socket as TLSSocket).encrypted ? 'https' : 'http';
  if (trusted?.includes(peer)) return { target: url, ...forwardedBy(request, peer, scheme, trusted) };
  return { target: url, address: peer, scheme, forwardedFor: peer };
}

function addressOf(text: string | undefined): string {
  if (text === undefined) return '';
  // Most are IPv4 already.
  return text.includes(':') ? (canonicalAddress(text) ?? '') : text;
}
