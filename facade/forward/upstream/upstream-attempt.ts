import type { ServerResponse } from 'node:http';
import { addTrailers, cutAnswer } from '../answer-end.ts';
import type { Attempt, AttemptResult } from '../attempt.ts';
import { Deadline } from '../deadlines.ts';
import { flushHead } from '../flush-head.ts';
import { sendInterim } from '../interim-answer.ts';
import { type Phase, tooLate } from '../phase.ts';
import { responseHeaders } from '../response-headers.ts';
import { clientGone, type UpstreamFailure, upstreamFailure } from '../upstream-failure.ts';
import type { AnswerHead } from './answer-head.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import { writeCopy } from './piece-memory.ts';
import type { Pool } from './pool.ts';
import { requestHead } from './request-head.ts';
import { atTurnEnd } from './turn-end.ts';
import { Upload } from './upload.ts';

/** Bytes of an answer that nobody wants, which are read so that its connection can be kept. */
const longestDeclined = 64 * 1024;

/** Bytes of a body that go out together with their head, as one string. */
const longestAtOnce = 16 * 1024;

/**
 * One attempt on a connection of a pool: the answer goes to the client as it comes, and back-pressure to the
 * backend. A short answer that arrives in one piece leaves in one piece.
 */
export class UpstreamAttempt implements ConnectionUser {
  readonly #attempt: Attempt;
  readonly #pool: Pool;
  readonly #response: ServerResponse;
  readonly #resolve: (result: AttemptResult) => void;
  readonly #connection: Connection;
  readonly #deadline = new Deadline(() => this.#late());
  readonly #upload: Upload | undefined;
  #phase: Phase = 'connecting';
  #sent = false;
  #status = 0;
  /** The head of the answer, until it is written. */
  #head: AnswerHead | undefined;
  /** The first piece of the body, until it is written. */
  #first: string | undefined;
  #declinedLength = 0;

  constructor(attempt: Attempt, pool: Pool, resolve: (result: AttemptResult) => void) {
    this.#attempt = attempt;
    this.#pool = pool;
    this.#response = attempt.response;
    this.#resolve = resolve;
    this.#connection = attempt.fresh ? pool.open() : pool.take();
    this.#upload = attempt.body && new Upload(attempt, this.#connection, this);
    attempt.response.on('close', this.#clientGone);
    this.#connection.use(this);
    if (this.#phase === 'connecting') this.#deadline.set(attempt.backend.timeouts.connect);
  }

  connected(): void {
    const { method, path, headers, backend } = this.#attempt;
    let head: string;
    try {
      head = requestHead(method, path, headers, this.#upload?.framing ?? '');
    } catch (error) {
      this.fails(upstreamFailure(error));
      return;
    }
    this.#phase = 'asked';
    this.#deadline.set(backend.timeouts.request);
    atTurnEnd(() => {
      if (this.#phase === 'over') return;
      this.#sent = true;
      if (this.#upload !== undefined) this.#connection.hold();
      this.#connection.send(head, method);
      this.#upload?.begin();
    });
  }

  interim(head: AnswerHead): void {
    // What was asked for here is answered here; the others are the client's (RFC 9110, 15.2).
    if (head.status === 100 && this.#upload?.expects) this.#upload.continued();
    else if (this.#phase !== 'declined') sendInterim(this.#response, head.status, head.reason, head.headers);
  }

  head(head: AnswerHead): void {
    const { watcher, backend } = this.#attempt;
    this.#upload?.answered();
    if (!watcher.head(head.status, head.headers)) {
      this.#decline(head.status);
      return;
    }
    this.#status = head.status;
    this.#head = head;
    this.#phase = 'answering';
    this.#deadline.set(backend.timeouts.idle);
  }

  data(piece: Buffer): void {
    if (this.#phase === 'declined') {
      this.#declinedLength += piece.length;
      if (this.#declinedLength > longestDeclined) this.#leave(false);
      return;
    }
    const tap = this.#attempt.tap;
    if (this.#head !== undefined && tap === undefined) {
      if (this.#first === undefined && piece.length <= longestAtOnce) {
        this.#first = piece.toString('latin1', 0, piece.length);
        return;
      }
    }
    this.#writeHead();
    const response = this.#response;
    let taken: boolean;
    if (tap === undefined) taken = writeCopy(piece, (copy, gone) => response.write(copy, gone));
    else {
      const copy = Buffer.from(piece);
      tap.data(copy);
      taken = response.write(copy);
    }
    if (!taken) this.#stall();
    this.#deadline.set(this.#attempt.backend.timeouts.idle);
  }

  end(trailers: readonly string[]): void {
    if (this.#phase === 'declined') {
      this.#leave(true);
      return;
    }
    const response = this.#response;
    const first = this.#first;
    this.#first = undefined;
    this.#writeHead();
    if (trailers.length > 0) addTrailers(response, trailers);
    if (first === undefined) response.end();
    else atTurnEnd(() => response.end(first, 'latin1'));
    this.#settle({ kind: 'answered', status: this.#status });
    this.#leave(true);
  }

  /** A head that came alone does not wait for its body. */
  told(): void {
    if (this.#head === undefined || this.#phase !== 'answering') return;
    const begun = this.#first !== undefined;
    this.#writeHead();
    if (!begun && !this.#response.destroyed) flushHead(this.#response);
  }

  drained(): void {
    this.#upload?.drained();
  }

  failed(failure: UpstreamFailure): void {
    this.#over(failure);
  }

  /** Gives up, unless it is over. */
  fails(failure: UpstreamFailure): void {
    if (this.#phase === 'over') return;
    if (this.#phase !== 'declined') this.#over(failure);
    this.#leave(false);
  }

  /** The client is to send a piece of its body. */
  clientsTurn(): void {
    if (this.#phase !== 'asked') return;
    this.#phase = 'client sends';
    this.#deadline.clear();
  }

  /** The backend has a piece of the body. */
  backendsTurn(): void {
    const { request, idle } = this.#attempt.backend.timeouts;
    if (this.#phase === 'client sends') {
      this.#phase = 'asked';
      this.#deadline.set(request);
    } else if (this.#phase === 'answering') this.#deadline.set(idle);
  }

  #writeHead(): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#head = undefined;
    const { answerHeaders, rewriteAnswer, method, tap } = this.#attempt;
    const { status, reason } = head;
    const response = this.#response;
    const headers = responseHeaders(head.headers, {
      own: answerHeaders,
      rewrite: rewriteAnswer,
      status,
      trailers: method !== 'HEAD' && status !== 304 && status !== 204 && response.req.httpVersion === '1.1',
    });
    tap?.head(status, headers.slice(0, headers.length - 2 * answerHeaders.length));
    // A client that was not told to go on may send its body all the same, or its next request.
    if (this.#attempt.body?.awaitsContinue) response.shouldKeepAlive = false;
    response.writeHead(status, reason, headers);
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && !response.write(first, 'latin1')) this.#stall();
  }

  #stall(): void {
    if (this.#phase === 'stalled') return;
    this.#phase = 'stalled';
    this.#connection.pause();
    this.#response.once('drain', () => {
      if (this.#phase !== 'stalled') return;
      this.#phase = 'answering';
      this.#deadline.set(this.#attempt.backend.timeouts.idle);
      this.#connection.resume();
    });
  }

  /** Another answer is on its way to the client; this one is read to its end if that is near. */
  #decline(status: number): void {
    const uploading = this.#upload !== undefined && !this.#upload.whole;
    this.#settle({ kind: 'declined', status });
    this.#phase = 'declined';
    if (uploading) this.#leave(false);
    else this.#deadline.set(this.#attempt.backend.timeouts.idle);
  }

  readonly #clientGone = (): void => {
    if (this.#response.writableFinished) return;
    this.fails(clientGone());
  };

  /** Whoever's turn it is has taken too long. */
  #late(): void {
    this.fails(tooLate(this.#phase, this.#attempt.backend.timeouts));
  }

  /** Tells what became of it, and what was not written yet. */
  #over(failure: UpstreamFailure): void {
    if (this.#phase === 'declined') {
      this.#deadline.clear();
      this.#phase = 'over';
      return;
    }
    if (this.#status === 0) {
      const reused = this.#connection.reused;
      this.#settle({ kind: 'failed', failure, sent: this.#sent, reused });
      return;
    }
    this.#writeHead();
    cutAnswer(this.#response);
    this.#settle({ kind: 'broken', status: this.#status, failure });
  }

  #settle(result: AttemptResult): void {
    this.#phase = 'over';
    this.#deadline.clear();
    this.#response.off('close', this.#clientGone);
    this.#upload?.stop();
    this.#resolve(result);
  }

  /** @param whole whether the answer was read to its end, so that the connection may be used again. */
  #leave(whole: boolean): void {
    this.#phase = 'over';
    this.#deadline.clear();
    if (whole && (this.#upload === undefined || this.#upload.whole)) this.#pool.give(this.#connection);
    else this.#connection.destroy();
  }
}
