import type { AnswerTap } from '../forward/forwarder.ts';

/** One side's answer, as far as it is compared. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Bodies beyond this many bytes are not kept, so not compared. */
export const longestCompared = 256 * 1024;

/** Keeps an answer as it goes by, up to a bound. */
export class AnswerKeeper implements AnswerTap {
  #status = 0;
  #contentType = '';
  #pieces: Buffer[] = [];
  #length = 0;

  head(status: number, headers: readonly string[]): void {
    this.#status = status;
    for (let index = 0; index < headers.length; index += 2) {
      if (headers[index]?.toLowerCase() === 'content-type') this.#contentType = headers[index + 1] ?? '';
    }
  }

  data(chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length <= longestCompared) this.#pieces.push(chunk);
    else this.#pieces = [];
  }

  /** The answer; undefined where it was longer than the bound. */
  answer(): Answer | undefined {
    if (this.#length > longestCompared) return undefined;
    return { status: this.#status, contentType: this.#contentType, body: Buffer.concat(this.#pieces) };
  }
}
