import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import type { Http2Connections } from '../http2/connections.ts';
import type { Certificates } from './certificates.ts';
import type { TlsSettings } from './compile-tls.ts';

/** Milliseconds for a handshake: as long as a request's head may take. */
const handshakeTimeout = 15_000;

/** Where connections go once their TLS is agreed. */
export interface SecuredBy {
  readonly certificates: Certificates;
  readonly settings: TlsSettings;
  /** Takes those that speak HTTP/1.1, as if they had come without TLS: with its limits, time-outs and end. */
  readonly http1: Server;
  readonly http2: Http2Connections;
}

/** The server with TLS. It does not listen yet. */
export interface SecureServer {
  readonly server: TlsServer;
  /** Takes no more connections. Resolves when there are none. */
  close(): Promise<void>;
  /** Closes all connections, those whose handshake is not done as well. */
  cut(): void;
}

export function createSecureServer({ certificates, settings, http1, http2 }: SecuredBy): SecureServer {
  const { cert, key } = certificates.default;
  const { minVersion } = settings;
  const server = createServer({
    cert,
    key,
    minVersion,
    ALPNProtocols: settings.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    SNICallback: (name, choose) => choose(null, certificates.of(name)?.context),
    handshakeTimeout,
    noDelay: true,
  });
  certificates.onDefault((changed) => {
    server.setSecureContext({ cert: changed.cert, key: changed.key, minVersion });
  });
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') http2.take(socket);
    else http1.emit('connection', socket);
  });
  return {
    server,
    close: () => new Promise((resolve) => server.close(() => resolve())),
    cut() {
      for (const socket of connections) socket.destroy();
    },
  };
}
