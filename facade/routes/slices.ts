import { setImmediate as turn } from 'node:timers/promises';

/** Work that can pause wherever it yields. */
export type Steps<T> = Generator<void, T, void>;

/** Does the work without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Does the work in slices, between which the event loop serves others.
 * @param slice milliseconds. Default 4.
 */
export async function inSlices<T>(steps: Steps<T>, slice = 4): Promise<T> {
  for (;;) {
    const until = performance.now() + slice;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() < until);
    await turn();
  }
}
