import type { Timeouts } from '../../routes/model.ts';
import { Deadline } from '../deadlines.ts';
import { UpstreamFailure, upstreamFailure } from '../upstream-failure.ts';
import type { AnswerHead } from './answer-head.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import type { Pool } from './pool.ts';
import { hasLength, requestHead } from './request-head.ts';
import { atTurnEnd } from './turn-end.ts';

/** A request of the facade's own, whose answer is for nobody else. */
export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values alternating. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly timeouts: Timeouts;
}

/** The head of its answer. */
export interface Answered {
  readonly status: number;
  /** Names and values alternating. */
  readonly headers: readonly string[];
}

/**
 * Asks a backend something.
 * @param data gets the pieces of the answer's body; each is valid only while it is told. What it throws ends the
 *   question.
 * @throws UpstreamFailure, or what `data` has thrown.
 */
export function ask(pool: Pool, asked: Asked, data: (piece: Buffer) => void): Promise<Answered> {
  return new Promise((resolve, reject) => void new Question(pool, asked, data, resolve, reject));
}

class Question implements ConnectionUser {
  readonly #pool: Pool;
  readonly #asked: Asked;
  readonly #data: (piece: Buffer) => void;
  readonly #resolve: (answered: Answered) => void;
  readonly #reject: (error: unknown) => void;
  readonly #connection: Connection;
  readonly #deadline = new Deadline(() =>
    this.#fails(new UpstreamFailure('answer_timeout', 'it took too long')),
  );
  #head: AnswerHead | undefined;
  #over = false;

  constructor(
    pool: Pool,
    asked: Asked,
    data: (piece: Buffer) => void,
    resolve: (answered: Answered) => void,
    reject: (error: unknown) => void,
  ) {
    this.#pool = pool;
    this.#asked = asked;
    this.#data = data;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#connection = pool.take();
    this.#deadline.set(asked.timeouts.connect);
    this.#connection.use(this);
  }

  connected(): void {
    const { method, path, headers, body, timeouts } = this.#asked;
    const framing = body.length > 0 && !hasLength(headers) ? `content-length: ${body.length}\r\n` : '';
    let head: string;
    try {
      head = requestHead(method, path, headers, framing);
    } catch (error) {
      this.#fails(upstreamFailure(error));
      return;
    }
    this.#deadline.set(timeouts.request);
    atTurnEnd(() => {
      if (this.#over) return;
      this.#connection.send(head, method);
      if (body.length > 0) this.#connection.write(body);
    });
  }

  interim(): void {}

  head(head: AnswerHead): void {
    this.#head = head;
    this.#deadline.set(this.#asked.timeouts.idle);
  }

  data(piece: Buffer): void {
    if (this.#over) return;
    this.#deadline.set(this.#asked.timeouts.idle);
    try {
      this.#data(piece);
    } catch (error) {
      this.#fails(error);
    }
  }

  end(): void {
    if (this.#over || this.#head === undefined) return;
    this.#over = true;
    this.#deadline.clear();
    this.#pool.give(this.#connection);
    this.#resolve({ status: this.#head.status, headers: this.#head.headers });
  }

  told(): void {}

  drained(): void {}

  failed(failure: UpstreamFailure): void {
    this.#fails(failure);
  }

  #fails(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.clear();
    this.#connection.destroy();
    this.#reject(error);
  }
}
