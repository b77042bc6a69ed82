import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { hasBody } from '../forward/request-body.ts';

/** Milliseconds in which a client whose connection ends with its answer may go on sending its request. */
const longest = 2_000;

const lingering = new WeakSet<Socket>();

/** Whether the connection has ended after an earlier answer, so that what still comes on it is no request. */
export function isLingering({ socket }: IncomingMessage): boolean {
  return lingering.has(socket);
}

/**
 * Keeps a connection that is to be closed after its answer until the client has sent its request, or for a moment.
 * To close it while bytes arrive is to reset it, and a reset takes the answer away from a client that sends first
 * and reads then (RFC 9112, 9.6). node:http closes at once.
 */
export function lingerAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  if (!hasBody(request)) return;
  response.once('prefinish', () => {
    if (request.complete) return;
    const { socket } = request;
    const { destroySoon } = socket;
    socket.destroySoon = () => {
      socket.destroySoon = destroySoon;
      if (request.complete || socket.destroyed) {
        socket.destroySoon();
        return;
      }
      lingering.add(socket);
      socket.end();
      const cut = setTimeout(() => socket.destroy(), longest);
      request.once('end', () => socket.destroySoon());
      socket.once('close', () => clearTimeout(cut));
    };
  });
}
