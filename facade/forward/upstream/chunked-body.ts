import { UpstreamFailure } from '../upstream-failure.ts';
import { fields } from './fields.ts';

/** Bytes of one line with a chunk's size and extensions, and of all trailers. */
const longestSizeLine = 4 * 1024;
const longestTrailers = 64 * 1024;

/** Old servers fill it up with spaces. */
const sizeLine = /^([0-9a-f]{1,13})[ \t]*(?:;.*)?$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const forbidden = /[\0-\x08\x0a-\x1f\x7f]/;

/** Framing belongs to the message that is sent on, and these mean nothing at its end (RFC 9110, 6.5.1). */
const neverTrailers = new Set([
  'content-length',
  'transfer-encoding',
  'trailer',
  'host',
  'content-encoding',
  'content-type',
  'content-range',
  'set-cookie',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
]);

/** Takes a chunked body apart as it arrives (RFC 9112, 7.1). Line ends are CR LF and nothing else. */
export class ChunkedBody {
  #state: 'size' | 'data' | 'after data' | 'trailers' | 'over' = 'size';
  /** Bytes that are left of the chunk. */
  #left = 0;
  /** The beginning of a line, or of the trailers, that has not ended yet. */
  #begun = '';
  #trailers: string[] = [];

  get over(): boolean {
    return this.#state === 'over';
  }

  /** Names and values alternating, once it is over. */
  get trailers(): readonly string[] {
    return this.#trailers;
  }

  /**
   * @param data gets the pieces of the body; each is valid only while it is told.
   * @returns the place behind what belongs to the body.
   * @throws UpstreamFailure `bad_answer`
   */
  read(bytes: Buffer, from: number, data: (piece: Buffer) => void): number {
    let at = from;
    while (at < bytes.length && this.#state !== 'over') {
      switch (this.#state) {
        case 'data': {
          const end = Math.min(bytes.length, at + this.#left);
          this.#left -= end - at;
          if (this.#left === 0) this.#state = 'after data';
          data(bytes.subarray(at, end));
          at = end;
          break;
        }
        case 'after data':
          at = this.#afterData(bytes, at);
          break;
        case 'size':
          at = this.#size(bytes, at);
          break;
        default:
          at = this.#trailer(bytes, at);
      }
    }
    return at;
  }

  #size(bytes: Buffer, from: number): number {
    const at = this.#line(bytes, from, longestSizeLine);
    if (at === undefined) return bytes.length;
    const line = this.#begun.slice(0, -2);
    this.#begun = '';
    const size = forbidden.test(line) ? undefined : sizeLine.exec(line)?.[1];
    if (size === undefined) throw new UpstreamFailure('bad_answer', 'it has a chunk without a size');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'data';
    return at;
  }

  #afterData(bytes: Buffer, from: number): number {
    const at = this.#line(bytes, from, 2);
    if (at === undefined) return bytes.length;
    if (this.#begun !== '\r\n')
      throw new UpstreamFailure('bad_answer', 'it has a chunk that is longer than its size');
    this.#begun = '';
    this.#state = 'size';
    return at;
  }

  #trailer(bytes: Buffer, from: number): number {
    const at = this.#line(bytes, from, longestTrailers);
    if (at === undefined) return bytes.length;
    const whole = this.#begun;
    // An empty line is the last.
    if (whole !== '\r\n' && !whole.endsWith('\r\n\r\n')) return at;
    this.#state = 'over';
    this.#begun = '';
    if (whole.length > 2) {
      const all = fields(whole.slice(0, -4), 0, () => {});
      for (let index = 0; index < all.length; index += 2) {
        const name = all[index] as string;
        if (!neverTrailers.has(name.toLowerCase())) this.#trailers.push(name, all[index + 1] as string);
      }
    }
    return at;
  }

  /**
   * Adds to what has begun up to the end of the line.
   * @returns the place behind it; undefined where it has not come yet.
   */
  #line(bytes: Buffer, from: number, longest: number): number | undefined {
    const end = bytes.indexOf(0x0a, from);
    const to = end === -1 ? bytes.length : end + 1;
    if (this.#begun.length + to - from > longest) {
      throw new UpstreamFailure('bad_answer', 'it has a chunk without a size, or too many trailers');
    }
    this.#begun += bytes.toString('latin1', from, to);
    if (end === -1) return undefined;
    if (!this.#begun.endsWith('\r\n'))
      throw new UpstreamFailure('bad_answer', 'a line in its chunks ends in LF alone');
    return to;
  }
}
