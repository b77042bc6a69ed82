import type { Step } from '../feed/feed.ts';
import type { GroupStatus } from './status.ts';

/** How far a group's first copy is, as people see it. */
export class FirstCopy {
  /** Resolves when it is complete; never rejects. */
  readonly completed: Promise<void>;
  #complete: () => void = () => {};
  #total: number | null = null;
  /** When this process began to copy, and how many rows were there then. */
  #began: { at: number; rows: number } | undefined;

  constructor() {
    this.completed = new Promise((resolve) => {
      this.#complete = resolve;
    });
  }

  get running(): boolean {
    return this.#began !== undefined;
  }

  /** There are so many rows to copy. */
  counted(total: number): void {
    this.#total = total;
  }

  /** A step was made that was not the last one. */
  went({ state, copied }: Step): void {
    this.#began ??= { at: performance.now(), rows: state.backfill.rows - copied };
  }

  /** The last step was made. */
  ended(): void {
    this.#began = undefined;
    this.foundComplete();
  }

  /** The feed's state says that it is complete, whoever copied. */
  foundComplete(): void {
    this.#complete();
  }

  /** @param done rows that are copied. */
  progress(done: number): GroupStatus['progress'] {
    return { done, total: this.#total, etaSeconds: this.#eta(done) };
  }

  #eta(done: number): number | null {
    const began = this.#began;
    if (began === undefined || this.#total === null || done <= began.rows || done >= this.#total) return null;
    const seconds = (performance.now() - began.at) / 1000;
    return Math.ceil((seconds / (done - began.rows)) * (this.#total - done));
  }
}
