import { UpstreamFailure } from '../upstream-failure.ts';
import { type AnswerHead, answerHead } from './answer-head.ts';
import { ChunkedBody } from './chunked-body.ts';

/** Bytes of an answer's head. */
const longestHead = 64 * 1024;
const headEnd = Buffer.from('\r\n\r\n');
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** Who is told what an answer holds, in its order. */
export interface AnswerSink {
  /** A 1xx answer, before the one that counts. */
  interim(head: AnswerHead): void;
  head(head: AnswerHead): void;
  /** @param piece valid only while it is told: its memory is used again for what is read next. */
  data(piece: Buffer): void;
  /** @param trailers names and values alternating. */
  end(trailers: readonly string[]): void;
}

const noTrailers: readonly string[] = Object.freeze([]);

/** Reads the answers that come over one connection, one for each request that was sent. */
export class AnswerReader {
  readonly #sink: AnswerSink;
  #method = '';
  #state: 'idle' | 'head' | 'length' | 'chunks' | 'close' = 'idle';
  /** The beginning of a head that has not ended yet. */
  #begun: Buffer | undefined;
  #left = 0;
  #chunks: ChunkedBody | undefined;
  #keepsAlive = true;
  #keptFor: number | undefined;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** Whether no answer is expected. */
  get idle(): boolean {
    return this.#state === 'idle';
  }

  /** Whether the connection can carry another request. */
  get reusable(): boolean {
    return this.#state === 'idle' && this.#keepsAlive;
  }

  /** Milliseconds for which the backend keeps the connection, where it says so. */
  get keptFor(): number | undefined {
    return this.#keptFor;
  }

  /** A request is sent, and its answer is what comes next. */
  expect(method: string): void {
    this.#method = method;
    this.#state = 'head';
  }

  /**
   * Takes what has arrived.
   * @throws UpstreamFailure `bad_answer`; nothing more can be read then.
   */
  read(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      switch (this.#state) {
        case 'idle':
          // Whatever it is, it is the answer to nothing.
          this.#keepsAlive = false;
          return;
        case 'head':
          at = this.#head(bytes, at);
          break;
        case 'length':
          at = this.#length(bytes, at);
          break;
        case 'chunks':
          at = this.#chunked(bytes, at);
          break;
        default:
          this.#sink.data(at === 0 ? bytes : bytes.subarray(at));
          return;
      }
    }
  }

  /** The backend sends no more. True where its answer was to end like that. */
  closed(): boolean {
    this.#keepsAlive = false;
    if (this.#state !== 'close') return false;
    this.#over(noTrailers);
    return true;
  }

  #head(bytes: Buffer, from: number): number {
    let start = from;
    if (this.#begun === undefined) {
      // Some send a line break too many after an answer.
      while (start < bytes.length && (bytes[start] === carriageReturn || bytes[start] === lineFeed)) start++;
      if (start === bytes.length) return start;
    }
    const before = this.#begun?.length ?? 0;
    const seen = this.#begun === undefined ? bytes : Buffer.concat([this.#begun, bytes.subarray(start)]);
    const begin = this.#begun === undefined ? start : 0;
    const end = seen.indexOf(headEnd, Math.max(begin, before - 3));
    if ((end === -1 ? seen.length : end) - begin > longestHead) {
      throw new UpstreamFailure('bad_answer', `its head is longer than ${longestHead} bytes`);
    }
    if (end === -1) {
      if (before === 0) refuseOtherProtocols(seen, begin);
      if (hasBareLineFeed(seen, begin)) {
        throw new UpstreamFailure('bad_answer', 'a line in its head ends in LF alone');
      }
      this.#begun = this.#begun === undefined ? Buffer.from(seen.subarray(begin)) : seen;
      return bytes.length;
    }
    this.#begun = undefined;
    const head = answerHead(seen.toString('latin1', begin, end), this.#method);
    const behind = end + headEnd.length;
    const at = seen === bytes ? behind : start + behind - before;
    this.#begin(head, at < bytes.length);
    return at;
  }

  #begin(head: AnswerHead, more: boolean): void {
    const { status, body } = head;
    if (status === 101) throw new UpstreamFailure('bad_answer', 'it switched protocols, unasked');
    if (status < 200) {
      this.#sink.interim(head);
      return;
    }
    this.#keepsAlive = head.keepsAlive;
    this.#keptFor = head.keptFor;
    if (body.by === 'length') {
      this.#left = body.length;
      this.#state = 'length';
    } else if (body.by === 'chunks') {
      this.#chunks = new ChunkedBody();
      this.#state = 'chunks';
    } else this.#state = 'close';
    this.#sink.head(head);
    if (body.by !== 'length' || body.length > 0) return;
    if (more) this.#keepsAlive = false;
    this.#over(noTrailers);
  }

  #length(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#left);
    this.#left -= end - from;
    this.#sink.data(bytes.subarray(from, end));
    if (this.#left === 0) {
      if (end < bytes.length) this.#keepsAlive = false;
      this.#over(noTrailers);
    }
    return end;
  }

  #chunked(bytes: Buffer, from: number): number {
    const chunks = this.#chunks as ChunkedBody;
    const end = chunks.read(bytes, from, (piece) => this.#sink.data(piece));
    if (chunks.over) {
      if (end < bytes.length) this.#keepsAlive = false;
      this.#chunks = undefined;
      this.#over(chunks.trailers);
    }
    return end;
  }

  #over(trailers: readonly string[]): void {
    this.#state = 'idle';
    this.#sink.end(trailers);
  }
}

const protocol = Buffer.from('HTTP/');

/** What does not begin like HTTP will not become it, so nobody has to wait for its end. */
function refuseOtherProtocols(bytes: Buffer, from: number): void {
  const length = Math.min(protocol.length, bytes.length - from);
  if (bytes.compare(protocol, 0, length, from, from + length) === 0) return;
  throw new UpstreamFailure('bad_answer', 'it is not HTTP/1.1');
}

/** Whoever ends lines like that does not send the end that is waited for. */
function hasBareLineFeed(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf(lineFeed, from); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) {
    if (bytes[at - 1] !== carriageReturn) return true;
  }
  return false;
}
