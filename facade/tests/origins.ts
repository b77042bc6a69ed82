import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What an origin was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
}

export interface HttpOrigin {
  readonly port: number;
  readonly server: Server;
  /** Every request so far, in order of arrival. */
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

/** A node:http origin on any free port; closed when the test is done. */
export async function startOrigin(listener: RequestListener): Promise<HttpOrigin> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '', headers, rawHeaders } = request;
    asked.push({ method, url, headers, rawHeaders });
    listener(request, response);
  });
  const port = await listening(server, 0);
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  onTestFinished(close);
  return { port, server, asked, close };
}

/** Answers every request with its own method, target and headers as JSON. */
export const mirror: RequestListener = (request, response) => {
  const { method, url, headers, rawHeaders } = request;
  request.resume();
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, headers, rawHeaders }));
};

export interface RawOrigin {
  readonly port: number;
  readonly sockets: readonly Socket[];
  close(): Promise<void>;
}

/** An origin that speaks bytes. `onRequest` gets each connection with all that it sent, whenever more arrives. */
export async function startRawOrigin(
  onData: (socket: Socket, received: string) => void,
  port = 0,
): Promise<RawOrigin> {
  const sockets: Socket[] = [];
  const server = createNetServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    let received = '';
    socket.on('data', (data) => {
      received += data.toString('latin1');
      onData(socket, received);
    });
  });
  const bound = await listening(server, port);
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  onTestFinished(close);
  return { port: bound, sockets, close };
}

/** Answers each request's head with the same bytes, and keeps the connection. */
export function startBytesOrigin(bytes: string, after?: (socket: Socket) => void): Promise<RawOrigin> {
  return startRawOrigin((socket, received) => {
    if (!received.endsWith('\r\n\r\n')) return;
    socket.write(bytes, 'latin1', () => after?.(socket));
  });
}

export async function listening(server: NetServer, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  return (server.address() as { port: number }).port;
}

export async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
