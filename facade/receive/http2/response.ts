import { EventEmitter } from 'node:events';
import type { OutgoingHttpHeader } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { Deadline } from '../../forward/deadlines.ts';
import { answerLines, byName, type Headers, hasLength, sendableStatus } from './answer-head.ts';
import type { Http2Request } from './request.ts';

/**
 * The answer on a stream of HTTP/2, with those methods, properties and events of node:http's ServerResponse by which
 * the facade gives answers. `destroy` before `end` resets the stream: the client can tell that something is missing.
 */
export class Http2Response extends EventEmitter {
  readonly req: Http2Request;
  statusCode = 200;
  headersSent = false;
  /** As of HTTP/1.1, where it means that trailers can follow. */
  chunkedEncoding = false;
  /** Closing the connection is a matter of the session, see Http2Connections. */
  shouldKeepAlive = true;
  readonly #stream: ServerHttp2Stream;
  readonly #longestTaking: number;
  /** Lines that were set before the head is written. */
  readonly #set: [string, OutgoingHttpHeader][] = [];
  /** Names and values alternating, until they are sent. */
  #head: string[] | undefined;
  #hasBody = true;
  #trailers: string[] = [];
  #ended = false;
  #cut = false;

  /** @param longestTaking milliseconds that a client may need to take what is left of an answer that is whole. */
  constructor(stream: ServerHttp2Stream, req: Http2Request, longestTaking: number) {
    super();
    this.#stream = stream;
    this.req = req;
    this.#longestTaking = longestTaking;
    stream.on('drain', () => this.emit('drain'));
    stream.once('finish', () => this.#finished());
    stream.once('close', () => this.emit('close'));
  }

  /** The connection, which is shared: see Http2Request. */
  get socket(): Http2Request['socket'] {
    return this.req.socket;
  }

  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  get writableEnded(): boolean {
    return this.#ended;
  }

  /** node:http2 says so too of a stream that the client has reset. */
  get writableFinished(): boolean {
    return this.#ended && this.#stream.writableFinished;
  }

  get writableLength(): number {
    return this.#stream.writableLength;
  }

  get writableNeedDrain(): boolean {
    return this.#stream.writableNeedDrain;
  }

  /** Whether it was the client that did not want the whole answer. */
  get abandoned(): boolean {
    return !this.#ended && !this.#cut;
  }

  /** A reason is not sent: HTTP/2 has none. */
  writeHead(status: number, reasonOrHeaders?: string | Headers, headers?: Headers): this {
    if (this.headersSent) throw new Error('The head was sent before.');
    const given = typeof reasonOrHeaders === 'string' ? headers : (reasonOrHeaders ?? headers);
    const lines = [...answerLines(this.#set.flat() as OutgoingHttpHeader[]), ...answerLines(given)];
    this.statusCode = sendableStatus(status);
    this.headersSent = true;
    this.#hasBody = this.req.method !== 'HEAD' && status !== 204 && status !== 205 && status !== 304;
    this.chunkedEncoding = this.#hasBody && !hasLength(lines);
    this.#head = lines;
    return this;
  }

  appendHeader(name: string, value: OutgoingHttpHeader): this {
    this.#set.push([name, value]);
    return this;
  }

  removeHeader(name: string): void {
    const left = this.#set.filter(([own]) => own.toLowerCase() !== name.toLowerCase());
    this.#set.splice(0, this.#set.length, ...left);
  }

  /** An empty piece sends the head, where a body is to follow. */
  write(piece: Buffer | string, encoding: BufferEncoding = 'utf8'): boolean {
    if (!this.headersSent) this.writeHead(this.statusCode);
    if (!this.#hasBody || this.destroyed) return true;
    this.#sendHead(false);
    return piece.length === 0 ? !this.writableNeedDrain : this.#stream.write(piece, encoding);
  }

  end(piece?: Buffer | string, encoding: BufferEncoding = 'utf8'): this {
    if (this.#ended) return this;
    if (!this.headersSent) this.writeHead(this.statusCode);
    this.#ended = true;
    if (this.destroyed) return this;
    const last = this.#hasBody && piece !== undefined && piece.length > 0 ? piece : undefined;
    this.#sendHead(last === undefined && this.#trailers.length === 0);
    // Where the head was the end, node:http2 has ended the stream.
    if (last !== undefined) this.#stream.end(last, encoding);
    else if (!this.#stream.writableEnded) this.#stream.end();
    this.#boundTaking();
    return this;
  }

  addTrailers(trailers: readonly (readonly [string, string])[]): void {
    this.#trailers = answerLines(trailers.flat());
  }

  writeContinue(): void {
    this.writeInterim(100, []);
  }

  /** @param headers names and values alternating. */
  writeInterim(status: number, headers: readonly string[]): void {
    if (this.headersSent || this.destroyed || status === 101) return;
    this.#stream.additionalHeaders({ ...byName(answerLines(headers)), ':status': status });
  }

  destroy(): this {
    this.#cut = true;
    // Without an error node:http2 would end the stream in good order first.
    if (!this.destroyed) this.#stream.destroy(new Error('the answer breaks off'));
    return this;
  }

  /** Who has the whole answer need not send the rest of its body (RFC 9113, 8.1). */
  #finished(): void {
    if (!this.#ended) return;
    this.emit('finish');
    if (!this.req.complete) this.req.destroy();
  }

  #sendHead(isAll: boolean): void {
    if (this.#head === undefined) return;
    const stream = this.#stream;
    // Whether any will follow is known by its end only.
    const trailers = this.chunkedEncoding && (!this.#ended || this.#trailers.length > 0);
    if (trailers) {
      stream.once('wantTrailers', () => {
        if (!stream.destroyed) stream.sendTrailers(byName(this.#trailers));
      });
    }
    stream.respond([':status', String(this.statusCode), ...this.#head], {
      endStream: isAll,
      waitForTrailers: trailers,
    });
    this.#head = undefined;
  }

  /** A client that opens its window no further must not keep what was written for it for ever. */
  #boundTaking(): void {
    const late = new Deadline(() => this.#stream.close(constants.NGHTTP2_CANCEL));
    late.set(this.#longestTaking);
    this.#stream.once('close', () => late.clear());
  }
}
