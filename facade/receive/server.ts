import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { sendProblem } from '@strangler-fig/kernel/problem';
import { isLingering, lingerAfterAnswer } from './lingering-close.ts';
import { connectRefused, expectationProblem, parserProblem, refuseOnSocket } from './refusal.ts';

/** Who deals with what the server receives. */
export interface Receiver {
  /** `Expect: 100-continue` is not answered yet: whoever reads the body does that. */
  request(request: IncomingMessage, response: ServerResponse): void;
  /** A request for a WebSocket; other upgrades are not offered, so they arrive as ordinary requests. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Bytes of request line and headers together; a URL alone is bounded more tightly by check/target.ts. */
const headSize = 32 * 1024;

const limits = {
  /** Milliseconds for the whole head to arrive: a slow sender holds no more than a socket. */
  headersTimeout: 15_000,
  /** No bound on a whole request: uploads may be long. Pauses within a body are bounded in forwarding. */
  requestTimeout: 0,
  /** Milliseconds that an idle client connection is kept; longer than common load balancers keep theirs. */
  keepAliveTimeout: 65_000,
  /** How often connections are looked through for the time-outs above, in milliseconds. */
  connectionsCheckingInterval: 2_000,
};

/** The server that clients talk to. */
export interface ReceivingServer {
  /** It does not listen yet. */
  readonly server: Server;
  /** Closes the connections on which no request is under way. */
  closeIdle(): void;
  /** Has the answers that have not begun say that their connection closes after them. */
  announceClose(): void;
}

/** @param largestHead bytes that requests may need; less than 32 KiB changes nothing. */
export function createReceivingServer(receiver: Receiver, largestHead = headSize): ReceivingServer {
  const server = createServer({
    ...limits,
    maxHeaderSize: Math.max(headSize, largestHead),
    // Otherwise Upgrade: h2c, which some clients send along with every request, would break the request.
    shouldUpgradeCallback: isWebSocketHandshake,
    // A missing Host is refused by check/headers.ts, with an answer that says so.
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
  });
  const receive = (request: IncomingMessage, response: ServerResponse) => {
    if (isLingering(request)) return;
    lingerAfterAnswer(request, response);
    receiver.request(request, response);
  };
  server.on('request', receive);
  server.on('checkContinue', receive);
  server.on('checkExpectation', (_: IncomingMessage, response: ServerResponse) => {
    sendProblem(response, expectationProblem, { connection: 'close' });
  });
  server.on('connect', (_: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    refuseOnSocket(socket, connectRefused);
  });
  server.on('upgrade', receiver.upgrade);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET') socket.destroy();
    else refuseBytes(error, socket as Socket);
  });
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return {
    server,
    closeIdle() {
      server.closeIdleConnections();
      // To node:http a connection is not idle before its first request, and browsers open some in reserve.
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
    },
    announceClose() {
      for (const socket of connections) {
        const pending = oldestPending(socket);
        if (pending !== undefined && !pending.headersSent) pending.shouldKeepAlive = false;
      }
    },
  };
}

/**
 * Answers bytes that are not HTTP, in turn: the client takes what it reads for the answer to its oldest request.
 * So whole requests before them get their own answers first.
 */
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  const pending = oldestPending(socket);
  if (pending === undefined) refuseOnSocket(socket, parserProblem(error));
  else if (pending.req.complete) waitFor(pending, () => refuseBytes(error, socket));
  else if (pending.headersSent) socket.destroy();
  else refuseOnSocket(socket, parserProblem(error));
}

/** The oldest response that is not finished. node:http does not offer it, but its own handler relies on it too. */
function oldestPending(socket: Socket): ServerResponse | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

const awaited = new WeakSet<ServerResponse>();

/** The parser complains again with every piece that arrives; once is enough. */
function waitFor(response: ServerResponse, then: () => void): void {
  if (awaited.has(response)) return;
  awaited.add(response);
  response.once('close', then);
}

/** A handshake has no body (RFC 6455, 4.1): one with a body is answered as an ordinary request. */
export function isWebSocketHandshake({ method, headers, httpVersion }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.upgrade !== undefined &&
    headers.upgrade.toLowerCase() === 'websocket' &&
    headers['transfer-encoding'] === undefined &&
    (headers['content-length'] ?? '0') === '0'
  );
}
