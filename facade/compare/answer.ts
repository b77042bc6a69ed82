import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { AnswerTap } from '../forward/forwarder.ts';

/** One side's answer, as far as it is compared. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly body: Buffer;
}

/** Bodies beyond this many bytes are not kept, so not compared. */
export const longestCompared = 256 * 1024;

/** Bytes of a body once it is decompressed. */
const longestDecoded = 4 * 1024 * 1024;

const decoders: Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/**
 * The answer with its body decompressed, because two servers seldom compress alike; as it is where the coding is
 * none or an unknown one.
 * @throws Error where the body is not what its coding says, or too long.
 */
export async function decoded(answer: Answer): Promise<Answer> {
  const decode = decoders[answer.contentEncoding.toLowerCase()];
  if (decode === undefined || answer.body.length === 0) return answer;
  const body = await decode(answer.body, { maxOutputLength: longestDecoded });
  return { ...answer, contentEncoding: '', body };
}

/** Keeps an answer as it goes by, up to a bound. */
export class AnswerKeeper implements AnswerTap {
  #status = 0;
  #contentType = '';
  #contentEncoding = '';
  #pieces: Buffer[] = [];
  #length = 0;

  head(status: number, headers: readonly string[]): void {
    this.#status = status;
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index]?.toLowerCase();
      if (name === 'content-type') this.#contentType = headers[index + 1] ?? '';
      if (name === 'content-encoding') this.#contentEncoding = headers[index + 1] ?? '';
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
    return {
      status: this.#status,
      contentType: this.#contentType,
      contentEncoding: this.#contentEncoding,
      body: Buffer.concat(this.#pieces),
    };
  }
}
