import type { WriteStream } from 'node:tty';
import type { Progress } from './run.ts';

/** Shows how far all runs are: one line that is drawn over on a terminal, elsewhere a line now and then. */
export function progressTo(
  stream: WriteStream,
  pairs: number,
  milliseconds: number,
): { show(index: number, pair: string, progress: Progress): void; clear(): void } {
  const terminal = stream.isTTY === true && process.env.CI === undefined;
  let told = performance.now();
  return {
    show(index, pair, { elapsed, handovers, kills, changes }) {
      const each = milliseconds / pairs;
      const left = Math.max(0, each - elapsed) + each * (pairs - index - 1);
      const text =
        `${pair} (${index + 1} of ${pairs}): ${Math.round(elapsed / 1000)} s, ${changes} rows changed, ` +
        `${kills} kills, ${handovers} changes of owner; ${duration(left)} left`;
      if (terminal) stream.write(`\r\u001b[K${text}`);
      else if (performance.now() - told > 10_000) stream.write(`${text}\n`);
      else return;
      told = performance.now();
    },
    clear() {
      if (terminal) stream.write('\r\u001b[K');
    },
  };
}

function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
