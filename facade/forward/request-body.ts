import type { IncomingMessage } from 'node:http';
import { UpstreamFailure } from './upstream-failure.ts';

/** Whether a request announces a body; only framing says so, never the method (RFC 9112, 6). */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * The pieces of a request's body, read no faster than they are taken. Stopping early leaves the client's
 * connection whole, so that it can still be answered.
 * @param idle milliseconds that the client may pause between two pieces.
 * @throws UpstreamFailure `client_slow` or `client_gone`
 */
export async function* requestBody(request: IncomingMessage, idle: number): AsyncGenerator<Buffer> {
  const pieces = request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  let slow: () => void = () => {};
  const timer = setTimeout(() => slow(), idle);
  try {
    for (;;) {
      const tooSlow = new Promise<never>((_, reject) => {
        slow = () => reject(new UpstreamFailure('client_slow', `no data for ${idle} ms`));
      });
      timer.refresh();
      const piece = await Promise.race([pieces.next(), tooSlow]);
      if (piece.done) return;
      yield piece.value as Buffer;
    }
  } catch (error) {
    if (error instanceof UpstreamFailure) throw error;
    throw new UpstreamFailure('client_gone', 'the client went away within its request', error);
  } finally {
    clearTimeout(timer);
  }
}
