import { Agent, type Dispatcher } from 'undici';
import { certifiedName } from '../forward/certified-name.ts';
import type { AnswerTap } from '../forward/forwarder.ts';
import type { Backend } from '../routes/model.ts';
import { type Answer, AnswerKeeper, decoded, longestCompared } from './answer.ts';
import { compareAnswers } from './compare-answers.ts';
import type { Recorder } from './recorder.ts';

/**
 * At most so many comparisons at once, from the client's request to the result; beyond it they are shed, because
 * the client's traffic comes first. Together they keep no more than 2 * 256 KB each.
 */
const mostAtOnce = 64;

/** A request to put to the other backend, as the first one got it. */
export interface Repetition {
  readonly other: Backend;
  readonly method: string;
  readonly path: string;
  /** Names and values alternating, with the other backend's own identity. */
  readonly headers: string[];
}

/** One comparison under way. Exactly one of `cancel` and `finish` is called. */
export interface Comparison {
  /** Sees the first backend's answer go by. */
  readonly tap: AnswerTap;
  /** The client did not get a whole answer, so there is nothing to compare. */
  cancel(): void;
  /** The client has its answer: now the other backend is asked. Never throws. */
  finish(repetition: () => Promise<Repetition>): void;
}

/** Puts requests to a second backend after the client has its answer, and records how the two compare. */
export class Shadow {
  readonly #recorder: Recorder;
  readonly #agent = new Agent({ connect: { timeout: 2_000 }, allowH2: false });
  readonly #running = new Set<Promise<void>>();
  #begun = 0;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** Undefined where there is no room for one more, which is recorded as shed. */
  begin(route: string): Comparison | undefined {
    if (this.#begun >= mostAtOnce) {
      this.#recorder.record(route, { result: 'shed' });
      return undefined;
    }
    this.#begun++;
    const keeper = new AnswerKeeper();
    return {
      tap: keeper,
      cancel: () => {
        this.#begun--;
      },
      finish: (repetition) => {
        const run = this.#run(route, keeper, repetition).finally(() => {
          this.#begun--;
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
    await this.#agent.destroy();
    await this.settle();
  }

  async #run(route: string, keeper: AnswerKeeper, repetition: () => Promise<Repetition>): Promise<void> {
    const primary = keeper.answer();
    if (primary === undefined) return;
    try {
      const repeated = await repetition();
      const other = await this.#ask(repeated);
      const differences = compareAnswers(await decoded(primary), await decoded(other));
      this.#recorder.record(
        route,
        differences.length === 0 ? { result: 'equal' } : { result: 'different', differences },
      );
    } catch (error) {
      this.#recorder.record(route, { result: 'failed', reason: (error as Error).message });
    }
  }

  async #ask({ other, method, path, headers }: Repetition): Promise<Answer> {
    const answer = await this.#agent.request({
      origin: other.url,
      path,
      method: method as 'GET',
      headers,
      headersTimeout: other.timeouts.request,
      bodyTimeout: other.timeouts.idle,
      servername: certifiedName(other),
    } as Dispatcher.RequestOptions);
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of answer.body) {
      length += piece.length;
      if (length > longestCompared) throw new Error(`its answer is longer than ${longestCompared} bytes`);
      pieces.push(piece);
    }
    return {
      status: answer.statusCode,
      contentType: String(answer.headers['content-type'] ?? ''),
      contentEncoding: String(answer.headers['content-encoding'] ?? ''),
      body: Buffer.concat(pieces),
    };
  }
}
