/**
 * Time-outs of requests, of which there are many, nearly all of which are moved often and never reached. One timer
 * for the whole process looks through those that are due; to set one is to link it into a list, and to move it
 * later is to write a number. undici's own time-outs are up to a second late, node's cost an object each.
 */

/** Milliseconds between two looks, so how late a deadline is noticed at most. */
const tick = 25;

/** Deadlines further away than 512 ticks are looked at once in each round. */
const slots = 512;

/** One time-out that can be set, moved and cleared any number of times. */
export class Deadline {
  readonly #reached: () => void;
  #at = Number.POSITIVE_INFINITY;
  /** The slot it is linked into; -1: none. */
  #slot = -1;
  /** The tick at which that slot is looked at. */
  #tick = 0;
  #next: Deadline | undefined;
  #previous: Deadline | undefined;

  /** @param reached called once whenever the deadline is reached; it is then clear. */
  constructor(reached: () => void) {
    this.#reached = reached;
  }

  /** @param milliseconds from now. Replaces what was set before. */
  set(milliseconds: number): void {
    this.#at = performance.now() + milliseconds;
    const due = Math.ceil(this.#at / tick);
    if (this.#slot !== -1) {
      // Later than before: it is linked anew when its turn comes.
      if (due >= this.#tick) return;
      this.#unlink();
    }
    this.#link(due);
  }

  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
    if (this.#slot !== -1) this.#unlink();
  }

  #link(due: number): void {
    const at = due > looked ? due : looked + 1;
    this.#tick = at;
    this.#slot = at % slots;
    const first = heads[this.#slot];
    this.#next = first;
    if (first !== undefined) first.#previous = this;
    heads[this.#slot] = this;
    if (linked++ === 0 && timer === undefined) start();
  }

  #unlink(): void {
    if (this.#previous === undefined) heads[this.#slot] = this.#next;
    else this.#previous.#next = this.#next;
    if (this.#next !== undefined) this.#next.#previous = this.#previous;
    this.#next = undefined;
    this.#previous = undefined;
    this.#slot = -1;
    linked--;
  }

  /** Looks through one slot. A deadline of a later round stays. */
  static look(slot: number, now: number): void {
    const reached: Deadline[] = [];
    let next: Deadline | undefined;
    for (let deadline = heads[slot]; deadline !== undefined; deadline = next) {
      next = deadline.#next;
      if (deadline.#at <= now) {
        deadline.#unlink();
        reached.push(deadline);
      } else {
        const due = Math.ceil(deadline.#at / tick);
        deadline.#tick = due;
        if (due % slots === slot) continue;
        deadline.#unlink();
        deadline.#link(due);
      }
    }
    // What is done about one may clear another, or set it anew.
    for (const deadline of reached) if (deadline.#at <= now && deadline.#slot === -1) deadline.#reached();
  }
}

const heads: (Deadline | undefined)[] = new Array<undefined>(slots).fill(undefined);
let linked = 0;
/** The last tick that was looked at. */
let looked = 0;
let timer: NodeJS.Timeout | undefined;

function start(): void {
  looked = Math.max(looked, Math.floor(performance.now() / tick) - 1);
  timer = setInterval(() => setImmediate(lookThrough), tick).unref();
}

/**
 * Runs after what the sockets have to say: where the process was busy for a while, answers that have arrived
 * meanwhile are not late.
 */
function lookThrough(): void {
  const now = performance.now();
  const current = Math.floor(now / tick);
  const first = Math.max(looked + 1, current - slots + 1);
  looked = Math.max(looked, current);
  for (let at = first; at <= current; at++) Deadline.look(at % slots, now);
  if (linked > 0) return;
  clearInterval(timer);
  timer = undefined;
}
