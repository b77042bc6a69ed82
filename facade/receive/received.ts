import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** What is known of a request by the connection that it came on, and not by what it says of itself. */
export interface Received {
  /** The request line's target, as it came over the wire. */
  readonly target: string;
  /** The client's address; empty where the connection is gone. */
  readonly address: string;
  readonly scheme: 'http' | 'https';
}

/** IPv4 clients of a dual-stack socket appear as themselves. */
export function receivedByServer({ url, socket }: IncomingMessage): Received {
  return {
    target: url ?? '',
    address: (socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    scheme: (socket as TLSSocket).encrypted ? 'https' : 'http',
  };
}
