/** Milliseconds between two looks. */
const interval = 100;
/** How much one look counts; older ones fade within about a second. */
const weight = 0.1;

/** How late the event loop is: what runs late here runs late for every client. */
export class LoopLag {
  #milliseconds = 0;
  #due = performance.now() + interval;
  readonly #timer = setInterval(() => {
    const now = performance.now();
    const late = Math.max(0, now - this.#due);
    this.#milliseconds += (late - this.#milliseconds) * weight;
    this.#due = now + interval;
  }, interval);

  constructor() {
    this.#timer.unref();
  }

  /** Milliseconds, smoothed. */
  get milliseconds(): number {
    return this.#milliseconds;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
