import type { AnswerTap } from '../forward/forwarder.ts';
import { responseHeaders } from '../forward/response-headers.ts';
import { Pools } from '../forward/upstream/pools.ts';
import { ask } from '../forward/upstream/question.ts';
import type { Backend } from '../routes/model.ts';
import { compareAnswers } from './compare-answers.ts';
import type { Whereabouts } from './compare-headers.ts';
import type { Compare } from './compile-compare.ts';
import { type KeptBody, KeptBytes } from './kept-bytes.ts';
import type { ComparedRequest, Comparison, Recorder, Side } from './recorder.ts';
import { SpareTurns } from './spare-turns.ts';

/**
 * At most so many comparisons at once, from the client's request to the result; beyond it they are shed, because
 * the client's traffic comes first.
 */
const mostAtOnce = 64;

/** A request that is to be put to two backends. */
export interface Compared {
  readonly route: string;
  readonly compare: Compare;
  readonly method: string;
  readonly path: string;
  readonly traceId: string;
  /** The backend that answers the client. */
  readonly backend: string;
  readonly where: Whereabouts;
}

/** How the other backend is asked. */
export interface Repetition {
  readonly other: Backend;
  /** Names and values alternating, with the other backend's own identity. */
  readonly headers: string[];
  /** What becomes of its answer's headers on the way to a client. */
  readonly asSeen: (headers: string[]) => string[];
}

/** One comparison under way. Exactly one of `cancel` and `finish` is called. */
export interface Shadowing {
  /** Sees the first backend's answer go by. */
  readonly tap: AnswerTap;
  /** Sees the request's body go by. */
  readonly bodyTap: (piece: Buffer) => void;
  /** The client did not get a whole answer, so there is nothing to compare. */
  cancel(): void;
  /** The client has its answer: now the other backend is asked. Never throws. */
  finish(repetition: () => Promise<Repetition>): void;
}

export interface ShadowOptions {
  /** Whether the facade has so much to do that nothing but the clients' own traffic is done. */
  readonly overloaded: () => boolean;
  /** Which of a backend's urls is asked. Default: the first. */
  readonly addressOf?: (backend: Backend) => string;
  /** Told of a recorder that throws. */
  readonly onDefect: (error: unknown) => void;
}

/** Puts requests to a second backend after the client has its answer, and records how the two compare. */
export class Shadow {
  readonly #recorders: readonly Recorder[];
  readonly #options: ShadowOptions;
  readonly #pools = new Pools();
  readonly #spareTurns = new SpareTurns();
  readonly #running = new Set<Promise<void>>();
  readonly #kept = new KeptBytes();
  #begun = 0;

  constructor(recorders: readonly Recorder[], options: ShadowOptions) {
    this.#recorders = recorders;
    this.#options = options;
  }

  /** Bytes of bodies that are kept now. */
  get kept(): number {
    return this.#kept.total;
  }

  /** Undefined where there is no room for one more, which is recorded as shed. */
  begin(compared: Compared): Shadowing | undefined {
    if (this.#begun >= mostAtOnce || this.#options.overloaded()) {
      this.#record(requestOf(compared, nothing), { result: 'shed' });
      return undefined;
    }
    this.#begun++;
    const askedAt = new Date();
    const startedAt = performance.now();
    const requestBody = this.#kept.body(compared.compare.bodies);
    const answerBody = this.#kept.body(compared.compare.bodies);
    let status = 0;
    let headers: readonly string[] = [];
    const over = () => {
      this.#begun--;
      requestBody.drop();
      answerBody.drop();
    };
    return {
      tap: {
        head(itsStatus, itsHeaders) {
          status = itsStatus;
          headers = itsHeaders;
        },
        data: (chunk) => answerBody.add(chunk),
      },
      bodyTap: (piece) => requestBody.add(piece),
      cancel: over,
      finish: (repetition) => {
        const request = requestOf(compared, requestBody.whole());
        const givenUp = whyGivenUp(requestBody, answerBody);
        if (givenUp !== undefined) {
          over();
          this.#record(request, { result: givenUp });
          return;
        }
        const first: Side = {
          backend: compared.backend,
          askedAt,
          milliseconds: performance.now() - startedAt,
          answer: { status, headers, body: answerBody.whole() },
        };
        const run = this.#compare(request, first, compared, repetition).finally(() => {
          over();
          this.#running.delete(run);
        });
        this.#running.add(run);
      },
    };
  }

  /** Waits until the comparisons under way are recorded. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async close(): Promise<void> {
    this.#pools.destroy();
    await this.settle();
  }

  async #compare(
    request: ComparedRequest,
    first: Side,
    { compare, where }: Compared,
    repetition: () => Promise<Repetition>,
  ): Promise<void> {
    let comparison: Comparison;
    await this.#spareTurns.next();
    try {
      const other = await this.#ask(request, await repetition(), compare.bodies);
      const differences = await compareAnswers(first.answer, other.answer, where);
      comparison =
        differences.length === 0
          ? { result: 'equal', first, other }
          : { result: 'different', first, other, differences };
    } catch (error) {
      comparison = { result: 'failed', first, reason: (error as Error).message };
    }
    this.#record(request, comparison);
  }

  async #ask(
    { method, path, body }: ComparedRequest,
    { other, headers: headersAsked, asSeen }: Repetition,
    mostBytes: number,
  ): Promise<Side> {
    const askedAt = new Date();
    const startedAt = performance.now();
    const kept = this.#kept.body(mostBytes);
    try {
      const url = this.#options.addressOf?.(other) ?? other.url;
      const asked = { method, path, headers: headersAsked, body, timeouts: other.timeouts };
      const { status, headers: raw } = await ask(this.#pools.of(url), asked, (piece) => {
        kept.add(Buffer.from(piece));
        if (kept.state === 'too_long') throw new Error(`its answer is longer than ${mostBytes} bytes`);
        if (kept.state === 'no_room') throw new Error('there was no room for its answer');
      });
      const headers = responseHeaders(raw, { own: [], status, trailers: false });
      return {
        backend: other.name,
        askedAt,
        milliseconds: performance.now() - startedAt,
        answer: { status, headers: asSeen(headers), body: kept.whole() },
      };
    } finally {
      kept.drop();
    }
  }

  #record(request: ComparedRequest, comparison: Comparison): void {
    for (const recorder of this.#recorders) {
      try {
        recorder.record(request, comparison);
      } catch (error) {
        this.#options.onDefect(error);
      }
    }
  }
}

const nothing = Buffer.alloc(0);

function requestOf({ route, method, path, traceId }: Compared, body: Buffer): ComparedRequest {
  return { route, method, path, traceId, body };
}

function whyGivenUp(...bodies: readonly KeptBody[]): 'skipped' | 'shed' | undefined {
  if (bodies.some(({ state }) => state === 'too_long')) return 'skipped';
  return bodies.some(({ state }) => state === 'no_room') ? 'shed' : undefined;
}
