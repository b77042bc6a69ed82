import type { IncomingMessage, ServerResponse } from 'node:http';
import { UpstreamFailure } from './upstream-failure.ts';

/** Milliseconds in which a client that has its answer may go on sending a body that nobody wants any more. */
const longestDiscard = 10_000;

/** Whether a request announces a body; only framing says so, never the method (RFC 9112, 6). */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * The pieces of a request's body, read from the client no faster than they are taken. Fails with UpstreamFailure
 * `client_slow` or `client_gone`. A client that waits for 100-continue gets it when the first piece is asked for.
 */
export class RequestBody implements AsyncIterableIterator<Buffer> {
  readonly #request: IncomingMessage;
  readonly #idle: number;
  #waiting: PromiseWithResolvers<IteratorResult<Buffer>> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #continue: (() => void) | undefined;
  #stopped = false;

  /** @param idle milliseconds that the client may pause between two pieces. */
  constructor(request: IncomingMessage, response: ServerResponse, idle: number) {
    this.#request = request;
    this.#idle = idle;
    if (request.headers.expect !== undefined && request.httpVersion === '1.1') {
      this.#continue = () => response.writeContinue();
    }
    request.on('readable', this.#wake);
    request.on('end', this.#wake);
    request.on('close', this.#wake);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer>> {
    this.#continue?.();
    this.#continue = undefined;
    const waiting = Promise.withResolvers<IteratorResult<Buffer>>();
    this.#waiting = waiting;
    this.#wake();
    // Whoever takes the pieces may be slow; only the client's own pauses count.
    if (this.#waiting !== undefined) this.#timer = setTimeout(this.#tooSlow, this.#idle);
    return waiting.promise;
  }

  /** Ends the reading wherever it is; what the client still sends is dropped. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#request.off('readable', this.#wake);
    this.#request.off('end', this.#wake);
    this.#request.off('close', this.#wake);
    this.#settled()?.resolve({ done: true, value: undefined });
    discardBody(this.#request);
  }

  readonly #wake = (): void => {
    if (this.#waiting === undefined) return;
    const request = this.#request;
    const piece = this.#stopped ? null : (request.read() as Buffer | null);
    if (piece !== null) this.#settled()?.resolve({ done: false, value: piece });
    else if (this.#stopped || request.readableEnded)
      this.#settled()?.resolve({ done: true, value: undefined });
    else if (request.destroyed) {
      const gone = new UpstreamFailure('client_gone', 'the client went away within its request');
      this.#settled()?.reject(gone);
    }
  };

  readonly #tooSlow = (): void => {
    this.#settled()?.reject(new UpstreamFailure('client_slow', `no data for ${this.#idle} ms`));
  };

  #settled(): PromiseWithResolvers<IteratorResult<Buffer>> | undefined {
    clearTimeout(this.#timer);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

/**
 * Reads and drops what is left of a request's body, for a while: a client that sends first and reads then would
 * otherwise never get to its answer, and one whose connection is closed meanwhile would lose it.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.readableEnded || request.destroyed) return;
  request.resume();
  if (request.complete) return;
  const cut = setTimeout(() => request.destroy(), longestDiscard);
  request.once('close', () => clearTimeout(cut));
}
