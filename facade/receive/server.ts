import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { parserProblem, refuseOnSocket } from './refusal.ts';

/** Who deals with what the server receives. */
export interface Receiver {
  request(request: IncomingMessage, response: ServerResponse): void;
  /** A request for a WebSocket; other upgrades are not offered, so they arrive as ordinary requests. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

const limits = {
  /** Bytes of request line and headers together; a URL alone is bounded more tightly by check/target.ts. */
  maxHeaderSize: 32 * 1024,
  /** Milliseconds for the whole head to arrive: a slow sender holds no more than a socket. */
  headersTimeout: 15_000,
  /** No bound on a whole request: uploads may be long. Pauses within a body are bounded in forwarding. */
  requestTimeout: 0,
  /** Milliseconds that an idle client connection is kept; longer than common load balancers keep theirs. */
  keepAliveTimeout: 65_000,
  /** How often connections are looked through for the time-outs above, in milliseconds. */
  connectionsCheckingInterval: 2_000,
};

/** The server that clients talk to. It does not listen yet. */
export function createReceivingServer(receiver: Receiver): Server {
  const server = createServer({
    ...limits,
    // Otherwise Upgrade: h2c, which some clients send along with every request, would break the request.
    shouldUpgradeCallback: (request) => isWebSocket(request),
    // A missing Host is refused by check/headers.ts, with an answer that says so.
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
  });
  server.on('request', receiver.request);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    response.writeContinue();
    receiver.request(request, response);
  });
  server.on('upgrade', receiver.upgrade);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // Once an answer is under way on the connection, a second one would be taken for its body.
    const started = (socket as { _httpMessage?: ServerResponse })._httpMessage?.headersSent === true;
    if (started || error.code === 'ECONNRESET') socket.destroy();
    else refuseOnSocket(socket, parserProblem(error));
  });
  return server;
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
}
