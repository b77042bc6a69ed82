/** Bytes that all comparisons under way may keep together. */
const mostKept = 32 * 1024 * 1024;

/** What comparisons keep of bodies, bounded one by one and together. */
export class KeptBytes {
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** A body that is kept as it goes by. @param most bytes of it; it is given up when it is longer. */
  body(most: number): KeptBody {
    return new KeptBody(most, (bytes) => {
      if (this.#total + bytes > mostKept) return false;
      this.#total += bytes;
      return true;
    });
  }
}

export class KeptBody {
  readonly #most: number;
  /** Takes room, or gives it back where the number is negative; false: there is none. */
  readonly #take: (bytes: number) => boolean;
  #pieces: Buffer[] = [];
  #length = 0;
  #state: 'kept' | 'too_long' | 'no_room' = 'kept';

  constructor(most: number, take: (bytes: number) => boolean) {
    this.#most = most;
    this.#take = take;
  }

  /** Why it was given up, if it was. */
  get state(): 'kept' | 'too_long' | 'no_room' {
    return this.#state;
  }

  add(piece: Buffer): void {
    if (this.#state !== 'kept') return;
    if (this.#length + piece.length > this.#most) this.#giveUp('too_long');
    else if (!this.#take(piece.length)) this.#giveUp('no_room');
    else {
      this.#length += piece.length;
      this.#pieces.push(piece);
    }
  }

  whole(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] as Buffer;
  }

  /** Gives its room back. */
  drop(): void {
    this.#take(-this.#length);
    this.#length = 0;
    this.#pieces = [];
  }

  #giveUp(state: 'too_long' | 'no_room'): void {
    this.#state = state;
    this.drop();
  }
}
