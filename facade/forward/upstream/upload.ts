import type { Attempt } from '../attempt.ts';
import { Deadline } from '../deadlines.ts';
import type { BodyPieces, RequestBody } from '../request-body.ts';
import { upstreamFailure } from '../upstream-failure.ts';
import type { Connection } from './connection.ts';
import { release } from './piece-memory.ts';
import { hasLength } from './request-head.ts';
import type { UpstreamAttempt } from './upstream-attempt.ts';

/**
 * Milliseconds that a body waits for the backend's 100-continue, after which it is sent all the same: a backend
 * need not know the expectation (RFC 9110, 10.1.1).
 */
const longestExpectation = 1_000;

/** Names that have no meaning at the end of a body, or would change its framing (RFC 9110, 6.5.1). */
const neverTrailers =
  /^(?:content-length|transfer-encoding|trailer|host|connection|te|upgrade|expect|cookie|authorization|proxy-.*|x-forwarded-.*|x-strangler-.*|content-(?:encoding|type|range))$/i;

/** A request's body on its way to a backend, no faster than that takes it. */
export class Upload {
  /** Lines of the head that say how it is sent, each with its end. */
  readonly framing: string;
  /** Whether the backend is asked to say that it wants the body. */
  readonly expects: boolean;
  readonly #body: RequestBody;
  readonly #pieces: BodyPieces;
  readonly #connection: Connection;
  readonly #attempt: UpstreamAttempt;
  readonly #chunked: boolean;
  readonly #expectation = new Deadline(() => this.continued());
  #drained: (() => void) | undefined;
  #state: 'sending' | 'whole' | 'stopped' = 'sending';

  constructor({ body, headers }: Attempt, connection: Connection, attempt: UpstreamAttempt) {
    this.#body = body as RequestBody;
    this.#connection = connection;
    this.#attempt = attempt;
    this.#pieces = this.#body.pieces(
      () => attempt.clientsTurn(),
      () => attempt.backendsTurn(),
    );
    this.#chunked = !hasLength(headers);
    this.expects = this.#body.awaitsContinue;
    const trailer = this.#body.request.headers.trailer;
    const announced = this.#chunked && typeof trailer === 'string' ? `trailer: ${trailer}\r\n` : '';
    this.framing =
      (this.#chunked ? `transfer-encoding: chunked\r\n${announced}` : '') +
      (this.expects ? 'expect: 100-continue\r\n' : '');
  }

  /** Whether all of it has been sent. */
  get whole(): boolean {
    return this.#state === 'whole';
  }

  /** The head has been sent. */
  begin(): void {
    this.#send().catch((error: unknown) => this.#attempt.fails(upstreamFailure(error)));
  }

  /** The backend wants the body, or has said nothing for long enough. */
  continued(): void {
    this.#expectation.clear();
    this.#pieces.wanted();
  }

  /** The answer is there. A body that was not asked for is none that it waits for. */
  answered(): void {
    this.#expectation.clear();
  }

  /** The backend has taken what was too much. */
  drained(): void {
    this.#drained?.();
  }

  /** Nothing more of it is sent. */
  stop(): void {
    this.#expectation.clear();
    this.#pieces.stop();
    if (this.#state !== 'whole') this.#state = 'stopped';
    this.#drained?.();
  }

  async #send(): Promise<void> {
    const connection = this.#connection;
    for (let piece = this.#first(); ; piece = this.#pieces.next()) {
      const { done, value } = await piece;
      if (this.#state !== 'sending') return;
      if (done) break;
      connection.hold();
      if (this.#chunked) connection.write(`${value.length.toString(16)}\r\n`);
      let taken = connection.write(value, this.#body.passesOn ? () => release(value) : undefined);
      if (this.#chunked) taken = connection.write('\r\n');
      if (!taken) await this.#drain();
      if (this.#state !== 'sending') return;
    }
    if (this.#chunked) connection.write(`0\r\n${this.#trailers()}\r\n`);
    this.#state = 'whole';
  }

  /** A client that sends its body without being asked for it does not wait, so neither does the body. */
  #first(): Promise<IteratorResult<Buffer>> {
    if (!this.expects) return this.#pieces.next();
    this.#expectation.set(longestExpectation);
    return this.#pieces.unasked();
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = () => {
        this.#drained = undefined;
        resolve();
      };
    });
  }

  /** The client's trailers, each with its end. Its parser has read them, so each can be sent. */
  #trailers(): string {
    const raw = this.#body.request.rawTrailers;
    let lines = '';
    for (let index = 0; index < raw.length; index += 2) {
      if (!neverTrailers.test(raw[index] as string)) lines += `${raw[index]}: ${raw[index + 1]}\r\n`;
    }
    return lines;
  }
}
