import type { IncomingMessage, ServerResponse } from 'node:http';
import { Deadline } from '../forward/deadlines.ts';

/** What was read of a request's body. In any case all of it is there to be read again. */
export type Buffered =
  /** Its bytes are only to be looked at now: whoever sends them on may use their memory again. */
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'too_long' }
  /** The client paused for too long. */
  | { readonly kind: 'slow' }
  /** The client went away. */
  | { readonly kind: 'gone' };

const putBack = new WeakMap<IncomingMessage, number>();

/** Whether a body that was read here has been put back, and nobody has read it since. */
export function isPutBack(request: IncomingMessage): boolean {
  const length = putBack.get(request);
  return length !== undefined && !request.readableEnded && request.readableLength >= length;
}

/**
 * Reads a request's body and puts it back, so that whoever forwards it reads it from its beginning, byte for byte.
 * @param most bytes; a longer body is read no further.
 * @param idle milliseconds that the client may pause.
 */
export function bufferBody(
  request: IncomingMessage,
  response: Pick<ServerResponse, 'writeContinue'>,
  most: number,
  idle: number,
): Promise<Buffered> {
  if (request.headers.expect !== undefined && request.httpVersion === '1.1') {
    response.writeContinue();
    // What has been met is asked for no more.
    delete request.headers.expect;
  }
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const over = (kind: Buffered['kind']) => {
      deadline.clear();
      request.off('readable', take);
      request.off('close', take);
      const bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
      // In the turn in which the last piece was taken: the end of a stream is told in the next, where nothing is left.
      if (length > 0 && !request.destroyed) {
        request.unshift(bytes);
        putBack.set(request, length);
      }
      resolve(kind === 'whole' ? { kind, bytes } : { kind });
    };
    const take = () => {
      for (let piece = request.read(); piece !== null; piece = request.read()) {
        pieces.push(piece as Buffer);
        length += (piece as Buffer).length;
        if (length > most) {
          over('too_long');
          return;
        }
      }
      if (request.complete) over('whole');
      else if (request.destroyed) over('gone');
      else deadline.set(idle);
    };
    const deadline = new Deadline(() => over('slow'));
    request.on('readable', take);
    request.on('close', take);
    take();
  });
}
