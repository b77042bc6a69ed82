import type { HeaderMap } from './header-list.ts';
import type { StoredHead } from './stored-answer.ts';

/** What an answer belongs to. */
export interface Place {
  /** What the client asked for, whoever answers: a change of it concerns every answer that is kept for it. */
  readonly uri: string;
  /** The backend that was decided on, what it is asked for, and in which form its answer is kept. */
  readonly key: string;
}

/** A kept answer. */
export interface StoredAnswer extends Place {
  readonly head: StoredHead;
  readonly body: Buffer;
}

/** Bytes of memory that an answer takes besides what it says. */
const overhead = 1024;

/** Answers of one key that differ by what they `Vary` on. */
const mostVariants = 32;

/** Answers in memory, bounded in bytes; what was not used for the longest time goes first. */
export class CacheStore {
  readonly #byUri = new Map<string, StoredAnswer[]>();
  /** In the order of their last use. */
  readonly #used = new Set<StoredAnswer>();
  readonly #memory: () => number;
  readonly #evicted: () => void;
  #bytes = 0;

  /** @param memory bytes that all answers may take now. */
  constructor(memory: () => number, evicted: () => void = () => {}) {
    this.#memory = memory;
    this.#evicted = evicted;
  }

  /** Bytes that are taken, answers on their way into it included. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#used.size;
  }

  /** The answer that a request selects; `others` where there are only some that it does not. */
  find({ uri, key }: Place, asked: HeaderMap): StoredAnswer | 'others' | undefined {
    let others = false;
    for (const answer of this.#byUri.get(uri) ?? []) {
      if (answer.key !== key) continue;
      others = true;
      if (!answer.head.isSelectedBy(asked)) continue;
      this.#used.delete(answer);
      this.#used.add(answer);
      return answer;
    }
    return others ? 'others' : undefined;
  }

  /** Keeps an answer in place of those that the same request would have selected. */
  put(answer: StoredAnswer, asked: HeaderMap): void {
    const { uri, key } = answer;
    const same = (this.#byUri.get(uri) ?? []).filter((other) => other.key === key);
    for (const other of same) if (other.head.isSelectedBy(asked)) this.drop(other);
    const variants = (this.#byUri.get(uri) ?? []).filter((other) => other.key === key);
    if (variants.length >= mostVariants) this.drop(variants[0] as StoredAnswer);
    if (!this.reserve(sizeOf(answer))) return;
    this.#byUri.set(uri, [...(this.#byUri.get(uri) ?? []), answer]);
    this.#used.add(answer);
  }

  drop(answer: StoredAnswer): void {
    if (!this.#used.delete(answer)) return;
    this.#bytes -= sizeOf(answer);
    const rest = (this.#byUri.get(answer.uri) ?? []).filter((other) => other !== answer);
    if (rest.length === 0) this.#byUri.delete(answer.uri);
    else this.#byUri.set(answer.uri, rest);
  }

  /** @returns how many were dropped. */
  invalidate(uri: string): number {
    const answers = this.#byUri.get(uri) ?? [];
    for (const answer of answers) this.drop(answer);
    return answers.length;
  }

  /** Makes room, which is given back by release; false where there is none. */
  reserve(bytes: number): boolean {
    const most = this.#memory();
    if (bytes > most) return false;
    while (this.#bytes + bytes > most) {
      const [oldest] = this.#used;
      if (oldest === undefined) return false;
      this.drop(oldest);
      this.#evicted();
    }
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}

function sizeOf({ uri, key, head, body }: StoredAnswer): number {
  let headers = 0;
  for (const text of head.headers) headers += text.length;
  return overhead + 2 * (uri.length + key.length) + headers + body.length;
}
