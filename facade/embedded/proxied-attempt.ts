import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { addTrailers, cutAnswer } from '../forward/answer-end.ts';
import type { Attempt, AttemptResult } from '../forward/attempt.ts';
import { Deadline } from '../forward/deadlines.ts';
import { flushHead } from '../forward/flush-head.ts';
import { sendInterim } from '../forward/interim-answer.ts';
import { type Phase, tooLate } from '../forward/phase.ts';
import type { BodyPieces } from '../forward/request-body.ts';
import { responseHeaders } from '../forward/response-headers.ts';
import { UpstreamFailure, upstreamFailure } from '../forward/upstream-failure.ts';
import { RelayedRequest, RelayedResponse } from './relayed.ts';

/**
 * One attempt on http-proxy-middleware. The library makes the outgoing request, pipes the body into it, waits for
 * the answer and ends what is left of either. Headers, time-outs, the answer's way to the client and answers that
 * break off are dealt with here, because what the library does with them can be told apart from no proxy at all.
 */
export class ProxiedAttempt {
  readonly attempt: Attempt;
  readonly relayed: RelayedRequest<ProxiedAttempt>;
  readonly relayedResponse: RelayedResponse<ProxiedAttempt>;
  /** What is sent as the request's body. Nothing is taken from the client before there is a connection. */
  readonly body = new Readable({ read: () => void this.#wanted() });
  readonly result: Promise<AttemptResult>;
  /** A body that the application has read already, in place of the client's. */
  readonly #bytes: Buffer | undefined;
  readonly #pieces: BodyPieces | undefined;
  readonly #response: ServerResponse;
  readonly #connected = Promise.withResolvers<void>();
  readonly #settled = Promise.withResolvers<AttemptResult>();
  readonly #deadline = new Deadline(() => this.fails(tooLate(this.#phase, this.attempt.backend.timeouts)));
  #phase: Phase = 'connecting';
  #outgoing: ClientRequest | undefined;
  #answer: IncomingMessage | undefined;
  #bodyBegun = false;

  constructor(attempt: Attempt, bytes: Buffer | undefined) {
    this.attempt = attempt;
    this.#bytes = bytes;
    this.#response = attempt.response;
    if (bytes === undefined) {
      this.#pieces = attempt.body?.pieces(
        () => this.#clientsTurn(),
        () => this.#backendsTurn(),
      );
    }
    this.relayed = new RelayedRequest<ProxiedAttempt>(attempt.response.req, this);
    this.relayedResponse = new RelayedResponse<ProxiedAttempt>(this.relayed);
    this.result = this.#settled.promise;
    this.#response.on('close', this.#clientGone);
    this.#response.on('drain', this.#drained);
    this.#deadline.set(attempt.backend.timeouts.connect);
  }

  /** The outgoing request has a socket, and nothing of it is written. */
  starts(outgoing: ClientRequest): void {
    if (this.#phase === 'over') {
      outgoing.destroy();
      return;
    }
    this.#outgoing = outgoing;
    this.#writeHeaders(outgoing);
    outgoing.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
      if (statusCode !== 100) sendInterim(this.#response, statusCode, statusMessage, rawHeaders);
    });
    outgoing.once('upgrade', (_, connection) => {
      connection.destroy();
      this.fails(new UpstreamFailure('bad_answer', 'it switched protocols, unasked'));
    });
    const connected = this.attempt.url.startsWith('https:') ? 'secureConnect' : 'connect';
    if (outgoing.reusedSocket) this.#connects();
    else outgoing.socket?.once(connected, () => this.#connects());
  }

  /** The head of the answer is there. */
  answers(answer: IncomingMessage): void {
    if (this.#phase === 'over') return;
    const { answerHeaders, rewriteAnswer, method, tap, watcher } = this.attempt;
    const { statusCode: status = 0, statusMessage: reason = '', rawHeaders } = answer;
    if (!watcher.head(status, rawHeaders)) {
      this.#settle({ kind: 'declined', status });
      return;
    }
    this.#answer = answer;
    this.#phase = 'answering';
    const response = this.#response;
    const headers = responseHeaders(rawHeaders, {
      own: answerHeaders,
      rewrite: rewriteAnswer,
      status,
      trailers: method !== 'HEAD' && status !== 304 && status !== 204 && response.req.httpVersion === '1.1',
    });
    tap?.head(status, headers.slice(0, headers.length - 2 * answerHeaders.length));
    writeHead(response, status, reason, headers);
    // Body bytes that came along with the head go out with it; a head that came alone does not wait for them.
    process.nextTick(() => {
      if (!this.#bodyBegun && !response.destroyed) flushHead(response);
    });
    this.#deadline.set(this.attempt.backend.timeouts.idle);
    answer.on('data', (piece: Buffer) => this.#passOn(answer, piece));
    answer.on('end', () => this.#ends(answer));
    answer.on('error', (error) => this.fails(error));
    answer.on('close', () => this.fails(new UpstreamFailure('reset', 'closed within its answer')));
  }

  /** Ends the attempt, unless it has ended already. */
  fails(error: unknown): void {
    if (this.#phase === 'over') return;
    const failure = upstreamFailure(error);
    if (this.#answer !== undefined) {
      cutAnswer(this.#response);
      this.#settle({ kind: 'broken', status: this.#answer.statusCode ?? 0, failure });
      return;
    }
    const sent = this.#phase !== 'connecting';
    this.#settle({ kind: 'failed', failure, sent, reused: this.#outgoing?.reusedSocket === true });
  }

  #connects(): void {
    if (this.#phase !== 'connecting') return;
    this.#phase = 'asked';
    this.#deadline.set(this.attempt.backend.timeouts.request);
    // A body may be long in coming, and the backend may have an answer before it.
    if (this.#pieces !== undefined && this.#outgoing !== undefined) flushHead(this.#outgoing);
    this.#connected.resolve();
  }

  async #wanted(): Promise<void> {
    await this.#connected.promise;
    try {
      if (this.#bytes !== undefined) this.body.push(this.#bytes);
      const piece = await this.#pieces?.next();
      this.body.push(piece === undefined || piece.done ? null : piece.value);
    } catch (error) {
      this.fails(error);
    }
  }

  /** With their spelling, and of one name in their order; node:http puts lines of one name together. */
  #writeHeaders(outgoing: ClientRequest): void {
    for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name);
    const { headers, response } = this.attempt;
    for (let index = 0; index < headers.length; index += 2) {
      outgoing.appendHeader(headers[index] as string, headers[index + 1] as string);
    }
    const chunked = this.#pieces !== undefined && response.req.headers['transfer-encoding'] !== undefined;
    if (chunked) outgoing.setHeader('transfer-encoding', 'chunked');
    outgoing.setHeader('connection', outgoing.shouldKeepAlive ? 'keep-alive' : 'close');
  }

  #clientsTurn(): void {
    if (this.#phase !== 'asked') return;
    this.#phase = 'client sends';
    this.#deadline.clear();
  }

  #backendsTurn(): void {
    const { request, idle } = this.attempt.backend.timeouts;
    if (this.#phase === 'client sends') {
      this.#phase = 'asked';
      this.#deadline.set(request);
    } else if (this.#phase === 'answering') this.#deadline.set(idle);
  }

  #passOn(answer: IncomingMessage, piece: Buffer): void {
    if (this.#phase === 'over') return;
    this.#bodyBegun = true;
    this.attempt.tap?.data(piece);
    if (!this.#response.write(piece)) {
      answer.pause();
      this.#phase = 'stalled';
    }
    this.#deadline.set(this.attempt.backend.timeouts.idle);
  }

  #ends(answer: IncomingMessage): void {
    if (this.#phase === 'over' || !answer.complete) return;
    this.#bodyBegun = true;
    if (answer.rawTrailers.length > 0) addTrailers(this.#response, answer.rawTrailers);
    this.#response.end();
    this.#settle({ kind: 'answered', status: answer.statusCode ?? 0 });
  }

  readonly #drained = (): void => {
    if (this.#phase !== 'stalled') return;
    this.#phase = 'answering';
    this.#deadline.set(this.attempt.backend.timeouts.idle);
    this.#answer?.resume();
  };

  readonly #clientGone = (): void => {
    if (this.#response.writableFinished) return;
    this.fails(new UpstreamFailure('client_gone', 'the client went away before the answer was complete'));
  };

  #settle(result: AttemptResult): void {
    this.#phase = 'over';
    this.#deadline.clear();
    this.#response.off('close', this.#clientGone);
    this.#response.off('drain', this.#drained);
    this.#pieces?.stop();
    this.relayedResponse.over();
    this.#settled.resolve(result);
  }
}

/**
 * Writes the head of an answer by the calls that applications hook into (sessions, compression, response times).
 * What the application has set before stands, unless the backend says it otherwise; cookies are added to it.
 */
function writeHead(
  response: ServerResponse,
  status: number,
  reason: string,
  headers: readonly string[],
): void {
  const begun = new Set<string>(['set-cookie']);
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    const lower = name.toLowerCase();
    if (!begun.has(lower)) response.removeHeader(name);
    begun.add(lower);
    response.appendHeader(name, headers[index + 1] as string);
  }
  response.writeHead(status, reason);
}
