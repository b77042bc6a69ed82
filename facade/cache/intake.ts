import type { CacheStore, Place } from './store.ts';
import { type AnswerHead, StoredHead } from './stored-answer.ts';

/** An answer on its way to a client, of which a copy is taken where it may be kept. */
export class Intake {
  readonly place: Place;
  readonly #store: CacheStore;
  readonly #most: number;
  #head: StoredHead | undefined;
  #asked: AnswerHead['asked'] = {};
  #pieces: Buffer[] = [];
  #length = 0;

  /** @param most bytes of a body that is kept. */
  constructor(store: CacheStore, place: Place, most: number) {
    this.#store = store;
    this.place = place;
    this.#most = most;
  }

  /** Whether the answer is one that will be kept, as far as its head can tell. */
  begin(head: AnswerHead): boolean {
    const stored = StoredHead.of(head);
    const length = head.headers.findIndex(
      (text, index) => index % 2 === 0 && text.toLowerCase() === 'content-length',
    );
    if (stored === undefined || (length !== -1 && Number(head.headers[length + 1]) > this.#most))
      return false;
    this.#head = stored;
    this.#asked = head.asked;
    return true;
  }

  add(piece: Buffer): void {
    if (this.#head === undefined) return;
    if (this.#length + piece.length > this.#most || !this.#store.reserve(piece.length)) {
      this.drop();
      return;
    }
    this.#length += piece.length;
    this.#pieces.push(piece);
  }

  /** The answer is whole. */
  keep(): boolean {
    const head = this.#head;
    if (head === undefined) return false;
    const body = Buffer.concat(this.#pieces);
    this.drop();
    this.#store.put({ ...this.place, head, body }, this.#asked);
    return true;
  }

  drop(): void {
    this.#store.release(this.#length);
    this.#length = 0;
    this.#pieces = [];
    this.#head = undefined;
  }
}
