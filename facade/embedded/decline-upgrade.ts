import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { serverOf } from './received-by-app.ts';

/** Headers that go with an upgrade; `http2-settings` with that to h2c, which curl --http2 asks for each time. */
const ofUpgrade = new Set(['upgrade', 'http2-settings']);

/**
 * Has a request that asks for an upgrade answered as if it had not asked, which a server may do (RFC 9110, 7.8).
 * node:http has given the connection away by then, so the server gets it anew, with the request before what follows.
 */
export function declineUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const server = serverOf(request);
  if (server === undefined || socket.destroyed) {
    socket.destroy();
    return;
  }
  let text = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`;
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const lower = name.toLowerCase();
    if (ofUpgrade.has(lower)) continue;
    const value = rawHeaders[index + 1] as string;
    text += `${name}: ${lower === 'connection' ? withoutUpgrade(value) : value}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]));
  server.emit((socket as TLSSocket).encrypted ? 'secureConnection' : 'connection', socket);
}

function withoutUpgrade(connection: string): string {
  const tokens = connection.split(',').map((token) => token.trim());
  return tokens.filter((token) => !ofUpgrade.has(token.toLowerCase())).join(', ');
}
