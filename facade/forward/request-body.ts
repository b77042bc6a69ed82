import type { IncomingMessage, ServerResponse } from 'node:http';
import { Deadline } from './deadlines.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/** Milliseconds in which a client that has its answer may go on sending a body that nobody wants any more. */
const longestDiscard = 10_000;

/** Whether a request announces a body; only framing says so, never the method (RFC 9112, 6). */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** A body that is longer than this is cut: the attempts that send it fail. */
export interface BodyBound {
  /** Bytes. */
  readonly most: number;
  /** Told when it is too long. */
  readonly exceeded: () => void;
}

/** What is asked of a request's body besides being sent. */
export interface BodySettings {
  /** Bytes that are kept, so that it can be sent again. Default 0. */
  readonly kept?: number;
  /** Default: it may be as long as it wants. */
  readonly bound?: BodyBound | undefined;
}

/** @param most bytes that a body may have. */
export function bodyTooLarge(most: number): UpstreamFailure {
  return new UpstreamFailure('body_too_large', `The request body has more than ${most} bytes.`);
}

/**
 * A request's body, for as many attempts as it takes: each reads it from the beginning, as far as it is kept, and
 * goes on reading from the client where the one before stopped. Nothing is read before somebody asks for it.
 */
export class RequestBody {
  readonly request: IncomingMessage;
  /** Milliseconds that the client may pause between two pieces. */
  readonly idle: number;
  readonly #response: Pick<ServerResponse, 'writeContinue'>;
  readonly #longestKept: number;
  readonly #bound: BodyBound | undefined;
  readonly #tap: ((piece: Buffer) => void) | undefined;
  #kept: Buffer[] = [];
  #length = 0;
  #lost = false;
  #awaitsContinue: boolean;

  /**
   * @param tap sees each piece once, however often it is sent.
   */
  constructor(
    request: IncomingMessage,
    response: Pick<ServerResponse, 'writeContinue'>,
    idle: number,
    tap: ((piece: Buffer) => void) | undefined,
    { kept = 0, bound }: BodySettings = {},
  ) {
    this.request = request;
    this.idle = idle;
    this.#response = response;
    this.#longestKept = kept;
    this.#bound = bound;
    this.#tap = tap;
    this.#awaitsContinue = request.headers.expect !== undefined && request.httpVersion === '1.1';
  }

  /** Whether another attempt would send what the first one did: nothing was taken yet, or all of it is kept. */
  get repeatable(): boolean {
    return !this.#lost;
  }

  /** Whether a piece that was taken is kept by nobody else. */
  get passesOn(): boolean {
    return this.#lost && this.#tap === undefined;
  }

  /** Whether the client sends none of it before it is told that it is wanted. */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue;
  }

  /** For one attempt; the one before must be stopped. */
  pieces(asked = () => {}, given = () => {}): BodyPieces {
    return new BodyPieces(this, asked, given);
  }

  /** A client that waits for 100-continue gets it when the first piece is asked for. */
  wanted(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    this.#response.writeContinue();
  }

  keptPiece(place: number): Buffer | undefined {
    return this.#kept[place];
  }

  /** @returns why the piece must not be sent. */
  took(piece: Buffer): UpstreamFailure | undefined {
    this.#length += piece.length;
    const bound = this.#bound;
    const tooLong = bound !== undefined && this.#length > bound.most;
    if (!tooLong) this.#tap?.(piece);
    if (!this.#lost && !tooLong && this.#length <= this.#longestKept) this.#kept.push(piece);
    else {
      this.#lost = true;
      this.#kept = [];
    }
    if (!tooLong) return undefined;
    bound.exceeded();
    return bodyTooLarge(bound.most);
  }

  /** No attempt wants any of it any more. What the client still sends is dropped. */
  discard(): void {
    this.#kept = [];
    discardBody(this.request);
  }
}

/**
 * The pieces of a request's body in one attempt, read from the client no faster than they are taken. Fails with
 * UpstreamFailure `client_slow`, `client_gone` or `body_too_large`.
 *
 * Each piece is taken as it came: to read all that has arrived, as a paused stream does, is to copy it.
 */
export class BodyPieces implements AsyncIterableIterator<Buffer> {
  readonly #body: RequestBody;
  /** Told when a piece is asked for, and when it is there: what passes in between is the client's time. */
  readonly #asked: () => void;
  readonly #given: () => void;
  readonly #slow = new Deadline(() => {
    this.#settled()?.reject(new UpstreamFailure('client_slow', `no data for ${this.#body.idle} ms`));
  });
  #waiting: PromiseWithResolvers<IteratorResult<Buffer>> | undefined;
  #wanted = false;
  #flowing = false;
  #replayed = 0;
  #first = true;
  #ended = false;
  #stopped = false;

  constructor(body: RequestBody, asked: () => void, given: () => void) {
    this.#body = body;
    this.#asked = asked;
    this.#given = given;
    body.request.on('end', this.#over);
    body.request.on('close', this.#over);
  }

  /** Whether all of it was taken. */
  get ended(): boolean {
    return this.#ended;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next piece. The first call tells a client that waits for 100-continue to go on. */
  next(): Promise<IteratorResult<Buffer>> {
    this.#wanted = true;
    return this.#next();
  }

  /** The first piece, should the client send it unasked; `wanted` asks for it. */
  unasked(): Promise<IteratorResult<Buffer>> {
    return this.#next();
  }

  /** The client is to send what `unasked` waits for. */
  wanted(): void {
    if (this.#wanted || this.#waiting === undefined) return;
    this.#wanted = true;
    this.#begin();
  }

  /** Ends the reading wherever it is. What was not taken is left to the next attempt. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const { request } = this.#body;
    request.off('end', this.#over);
    request.off('close', this.#over);
    if (this.#flowing) {
      this.#hold();
      // Whoever reads it next finds it as if nobody had.
      if (!request.readableDidRead) (request as { readableFlowing: boolean | null }).readableFlowing = null;
    }
    this.#settled()?.resolve({ done: true, value: undefined });
  }

  #next(): Promise<IteratorResult<Buffer>> {
    const waiting = Promise.withResolvers<IteratorResult<Buffer>>();
    this.#waiting = waiting;
    if (this.#wanted) this.#begin();
    /*
     * A backend that refuses a body, with 413 say, answers in the middle of it and closes the connection. The next
     * piece would be answered with a reset, which takes the answer away. So what the backend may have sent is read
     * first, which an immediate does: it runs after all sockets that have something.
     */
    if (this.#first) this.#take();
    else setImmediate(this.#take);
    return waiting.promise;
  }

  #begin(): void {
    this.#asked();
    this.#body.wanted();
    // Whoever takes the pieces may be slow; only the client's own pauses count.
    this.#slow.set(this.#body.idle);
  }

  readonly #take = (): void => {
    if (this.#waiting === undefined) return;
    const again = this.#body.keptPiece(this.#replayed);
    if (again !== undefined) {
      this.#give(again);
      return;
    }
    const { request } = this.#body;
    if (request.readableEnded || request.destroyed) {
      this.#over();
      return;
    }
    this.#flowing = true;
    request.on('data', this.#arrived);
    request.resume();
  };

  readonly #arrived = (piece: Buffer): void => {
    this.#hold();
    const failure = this.#body.took(piece);
    if (failure === undefined) this.#give(piece);
    else this.#settled()?.reject(failure);
  };

  #hold(): void {
    const { request } = this.#body;
    this.#flowing = false;
    request.off('data', this.#arrived);
    request.pause();
  }

  /** There is no more of it, because it is whole or because the client has gone. */
  readonly #over = (): void => {
    if (this.#waiting === undefined) return;
    const { request } = this.#body;
    if (request.readableEnded) {
      this.#ended = true;
      this.#given();
      this.#settled()?.resolve({ done: true, value: undefined });
    } else if (request.destroyed) {
      const gone = new UpstreamFailure('client_gone', 'the client went away within its request');
      this.#settled()?.reject(gone);
    }
  };

  #give(piece: Buffer): void {
    this.#first = false;
    this.#replayed++;
    this.#given();
    this.#settled()?.resolve({ done: false, value: piece });
  }

  #settled(): PromiseWithResolvers<IteratorResult<Buffer>> | undefined {
    this.#slow.clear();
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
