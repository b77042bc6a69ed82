import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { headersByName, requestHead } from './request-head.ts';

/**
 * A stream of HTTP/2 as the HTTP/1.1 request that is made of it: everything behind here reads this and nothing else, through node:http's IncomingMessage.
 * So `httpVersion` is that of the message, not of the connection, and `socket` is the connection that other streams
 * share: it is for asking who the client is, never for writing or closing.
 */
export class Http2Request extends Readable {
  readonly socket: Socket;
  readonly method: string;
  readonly url: string;
  readonly httpVersion = '1.1';
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  /** Names and values alternating. */
  readonly rawHeaders: string[];
  readonly headers: IncomingHttpHeaders;
  rawTrailers: string[] = [];
  /** The body has been received whole, with its trailers. */
  complete = false;
  readonly #stream: ServerHttp2Stream;
  #reading = false;

  /** @param raw names and values alternating, as node:http2 decoded them. */
  constructor(
    stream: ServerHttp2Stream,
    socket: Socket,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
  ) {
    super({ autoDestroy: false });
    this.#stream = stream;
    this.socket = socket;
    const { method, target, lines } = requestHead(raw);
    this.method = method;
    this.url = target;
    this.rawHeaders = lines;
    this.headers = headersByName(headers, !stream.endAfterHeaders);
    if (stream.endAfterHeaders) this.#ends();
    else {
      // They may all be there before anybody reads the body.
      stream.once('trailers', (_: unknown, __: unknown, ofBody: string[]) => {
        this.rawTrailers = ofBody;
      });
    }
    stream.once('close', () => this.destroy());
  }

  /** Nothing is taken from the stream, and no more of it allowed to come, before somebody reads. */
  override _read(): void {
    if (this.complete) return;
    if (this.#reading) {
      this.#stream.resume();
      return;
    }
    this.#reading = true;
    const stream = this.#stream;
    stream.on('data', (piece: Buffer) => {
      if (!this.push(piece)) stream.pause();
    });
    // node:http2 ends a stream too that the client has reset without an error, in the middle of a body.
    stream.on('end', () => {
      if (!stream.aborted) this.#ends();
    });
  }

  /** Ends the stream where the client has not done so. The connection is not this request's alone, and stays. */
  override _destroy(_: Error | null, callback: (error?: Error | null) => void): void {
    const stream = this.#stream;
    if (!this.complete && !stream.destroyed) {
      // A client that is still sending after its whole answer is asked to stop, without an error (RFC 9113, 8.1).
      if (stream.writableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
      else stream.destroy(new Error('the request is not wanted'));
    }
    callback(null);
  }

  #ends(): void {
    this.complete = true;
    this.push(null);
  }
}
