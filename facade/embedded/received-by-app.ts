import type { IncomingMessage, Server } from 'node:http';
import type { AddressRanges } from '../limit/address-ranges.ts';
import { canonicalAddress } from '../limit/canonical-address.ts';
import { type Received, receivedByServer } from '../receive/received.ts';

/** What Express adds to a request, in 4 and in 5; a plain server adds none of it. */
interface ExpressRequest {
  /** The target before the prefix of a mount was cut off. */
  readonly originalUrl?: string;
  /** The client's address as far as the application trusts who told it (`trust proxy`). */
  readonly ip?: string;
  readonly protocol?: string;
}

/**
 * A request as an application received it: whom it trusts about the client is trusted here.
 * @param trusted counts instead, where routes.yaml says whom to trust.
 */
export function receivedByApp(request: IncomingMessage, trusted: AddressRanges | undefined): Received {
  const { originalUrl, ip, protocol } = request as ExpressRequest;
  const received = receivedByServer(request, trusted);
  const target = originalUrl ?? received.target;
  if (trusted !== undefined) return { ...received, target };
  const address = (ip === undefined ? undefined : canonicalAddress(ip)) ?? received.address;
  return {
    target,
    address,
    scheme: protocol === 'https' || protocol === 'http' ? protocol : received.scheme,
    forwardedFor: address,
  };
}

/** The server of the application that a request came in by; node:http and node:https leave it on the socket. */
export function serverOf({ socket }: IncomingMessage): Server | undefined {
  return (socket as { server?: Server }).server;
}

/** Whether the server has met `Expect: 100-continue` itself, as node:http does where nobody listens for it. */
export function continueSent(request: IncomingMessage): boolean {
  return serverOf(request)?.listenerCount('checkContinue') === 0;
}
