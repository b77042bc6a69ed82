import type { SeedProgress } from '../seed.ts';

const QUIET_MS = 2_000;
const REDRAW_MS = 200;

/** Shows progress once it has taken two seconds: one line redrawn on a terminal, else a line a table. */
export function progressLine(output: NodeJS.WriteStream): (progress: SeedProgress) => void {
  const started = Date.now();
  let lastTable = '';
  let lastDrawn = 0;
  return ({ table, done, total }) => {
    const elapsed = Date.now() - started;
    if (elapsed < QUIET_MS || (done === total && !output.isTTY)) return;
    const seconds = Math.ceil(((elapsed / done) * (total - done)) / 1_000);
    const line = `${table}: ${done} of ${total} rows, about ${seconds} s left`;
    if (!output.isTTY) {
      if (table !== lastTable) output.write(`${line}\n`);
      lastTable = table;
    } else if (done === total) {
      output.write('\r\x1b[K');
    } else if (elapsed - lastDrawn >= REDRAW_MS) {
      output.write(`\r\x1b[K${line}`);
      lastDrawn = elapsed;
    }
  };
}
