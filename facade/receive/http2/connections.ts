import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { sendProblem } from '@strangler-fig/kernel/problem';
import { connectRefused, expectationProblem } from '../refusal.ts';
import type { Receiver } from '../server.ts';
import { Http2Request } from './request.ts';
import { Http2Response } from './response.ts';

/** What one client may ask of the facade on one connection. */
export const http2Limits = {
  /** Requests under way at once. */
  streams: 100,
  /** Header lines that are read at all, a few more than routes.yaml can allow: too many of them get an answer. */
  headerLines: 1_100,
  /** Bytes of a request's headers, with 32 for each line (RFC 9113, 6.5.2): 32 KiB in 200 lines. */
  headerBytes: 40 * 1024,
  /** Memory for one connection: each stream's windows in either direction, twice. Beyond it requests are refused. */
  megabytes: 32,
  /** Milliseconds from the connection to its first request. */
  first: 15_000,
  /** Milliseconds without a request under way after which a connection is closed; as of HTTP/1.1. */
  idle: 65_000,
  /** Milliseconds in which a client must have taken what is left of an answer that is whole. */
  taking: 60_000,
  /**
   * Requests that a client may give up within `abandonedWithin` milliseconds: each has cost a backend something
   * (CVE-2023-44487). A browser that leaves a page gives up what it had under way there.
   */
  abandoned: 200,
  abandonedWithin: 10_000,
};

/** Milliseconds that a client that is sent away has to read so. */
const linger = 1_000;

export type Http2Limits = typeof http2Limits;

/** The connections on which clients speak HTTP/2. */
export class Http2Connections {
  readonly #server;
  readonly #receiver: Receiver;
  readonly #limits: Http2Limits;
  readonly #connections = new Set<Connection>();
  #closing = false;

  constructor(receiver: Receiver, limits = http2Limits) {
    this.#receiver = receiver;
    this.#limits = limits;
    this.#server = createServer({
      settings: { maxConcurrentStreams: limits.streams, maxHeaderListSize: limits.headerBytes },
      maxHeaderListPairs: limits.headerLines,
      maxSessionMemory: limits.megabytes,
      // What a backend says twice is passed on twice.
      strictSingleValueFields: false,
    });
  }

  /** Takes a connection over, once it is agreed that HTTP/2 is spoken on it. */
  take(socket: Socket): void {
    this.#server.once('session', (session: ServerHttp2Session) => {
      const connection = new Connection(session, socket, this.#receiver, this.#limits);
      this.#connections.add(connection);
      session.once('close', () => this.#connections.delete(connection));
      if (this.#closing) session.close();
    });
    this.#server.emit('connection', socket);
  }

  /**
   * Tells every client which requests are the last ones (GOAWAY); connections close when those are answered. What a
   * client has sent meanwhile counts as not sent, and clients send it again elsewhere (RFC 9113, 6.8).
   */
  close(): void {
    this.#closing = true;
    for (const { session } of this.#connections) session.close();
  }

  /** Closes all connections, whatever is under way on them. */
  cut(): void {
    for (const { session } of this.#connections) session.destroy();
  }
}

class Connection {
  readonly session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #receiver: Receiver;
  readonly #limits: Http2Limits;
  #open = 0;
  #abandoned = 0;
  #abandonedSince = 0;

  constructor(session: ServerHttp2Session, socket: Socket, receiver: Receiver, limits: Http2Limits) {
    this.session = session;
    this.#socket = socket;
    this.#receiver = receiver;
    this.#limits = limits;
    session.on('stream', (stream, headers, _, raw) => this.#begin(stream, headers, raw));
    session.setTimeout(limits.first);
    session.on('timeout', () => {
      if (this.#open === 0) session.close();
    });
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]): void {
    // Whatever befalls a stream, `close` tells those who care.
    stream.on('error', () => {});
    const isConnect = headers[':method'] === 'CONNECT';
    const request = new Http2Request(stream, this.#socket, headers, raw);
    const response = new Http2Response(stream, request, this.#limits.taking);
    this.#open++;
    stream.once('close', () => this.#ended(response));
    const asServerResponse = response as unknown as ServerResponse;
    const { expect } = request.headers;
    if (isConnect) sendProblem(asServerResponse, connectRefused);
    else if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
      sendProblem(asServerResponse, expectationProblem);
    } else this.#receiver.request(request as unknown as IncomingMessage, asServerResponse);
  }

  #ended(response: Http2Response): void {
    this.#open--;
    const { session } = this;
    if (session.destroyed) return;
    if (this.#open === 0) session.setTimeout(this.#limits.idle);
    if (response.abandoned) this.#countAbandoned();
  }

  /** Each client has its own connection to lose, and a new one costs it more than a stream. */
  #countAbandoned(): void {
    const now = performance.now();
    if (now - this.#abandonedSince > this.#limits.abandonedWithin) {
      this.#abandonedSince = now;
      this.#abandoned = 0;
    }
    if (++this.#abandoned === this.#limits.abandoned) this.#sendAway();
  }

  /** New streams are ignored from here on. Closing at once would take the reason away from a client that still sends. */
  #sendAway(): void {
    const { session } = this;
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    const cut = setTimeout(() => session.destroy(), linger);
    session.once('close', () => clearTimeout(cut));
  }
}
