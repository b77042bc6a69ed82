import { Agent } from 'undici';
import type { Backend } from '../routes/model.ts';
import type { Answer } from './answer.ts';
import { longestCompared } from './answer.ts';
import { compareAnswers } from './compare-answers.ts';
import type { Recorder } from './recorder.ts';

/** At most so many comparisons at once; beyond it they are shed, because the client's traffic comes first. */
const mostAtOnce = 16;

/** A request that was answered, to be put to another backend too. */
export interface Comparison {
  readonly route: string;
  readonly primary: { readonly backend: string; readonly answer: Answer };
  readonly other: Backend;
  readonly method: string;
  readonly path: string;
  /** Names and values alternating, with the other backend's own identity. */
  readonly headers: string[];
}

/** Puts requests to a second backend after the client has its answer, and records how the two compare. */
export class Shadow {
  readonly #recorder: Recorder;
  readonly #running = new Set<Promise<void>>();
  readonly #agent = new Agent();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** Whether there is room for one more; where there is not, it is recorded as shed. */
  admit(route: string): boolean {
    if (this.#running.size < mostAtOnce) return true;
    this.#recorder.record(route, { result: 'shed' });
    return false;
  }

  start(comparison: Comparison): void {
    const run = this.#run(comparison).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Waits until the comparisons under way are recorded. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
    await this.settle();
  }

  async #run(comparison: Comparison): Promise<void> {
    const { route, primary, other } = comparison;
    try {
      const answer = await answerOf(this.#agent, comparison);
      const differences = compareAnswers(primary.answer, answer);
      this.#recorder.record(
        route,
        differences.length === 0 ? { result: 'equal' } : { result: 'different', differences },
      );
    } catch (error) {
      this.#recorder.record(route, {
        result: 'failed',
        reason: `${other.name}: ${(error as Error).message}`,
      });
    }
  }
}

async function answerOf(agent: Agent, comparison: Comparison): Promise<Answer> {
  const { other } = comparison;
  const answer = await agent.request({
    origin: other.url,
    path: comparison.path,
    method: comparison.method as 'GET',
    headers: comparison.headers,
    headersTimeout: other.timeouts.request,
    bodyTimeout: other.timeouts.idle,
  });
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer.body) {
    length += piece.length;
    if (length > longestCompared) throw new Error(`its answer is longer than ${longestCompared} bytes`);
    pieces.push(piece);
  }
  const contentType = answer.headers['content-type'];
  return {
    status: answer.statusCode,
    contentType: typeof contentType === 'string' ? contentType : '',
    body: Buffer.concat(pieces),
  };
}
