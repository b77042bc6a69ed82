import { styleText } from 'node:util';
import type { Logger } from '@strangler-fig/kernel/log';
import type { GroupStatus, PassReport } from '../runner/status.ts';

/** Tells people how passes go. Passes that change nothing are mentioned at level debug only. */
export interface ProgressReporter {
  onProgress(status: GroupStatus): void;
  onPass(status: GroupStatus, pass: PassReport): void;
}

/** A line of a long pass comes at most so often, in milliseconds. */
const quiet = 2_000;

/**
 * Progress to the log, a line per group every two seconds at most; where `terminal` is given, one line there
 * instead that is drawn over and over.
 */
export function reportProgress(log: Logger, terminal?: NodeJS.WriteStream): ProgressReporter {
  const begun = new Map<string, { at: number; told: number }>();
  const drawn = new Map<string, string>();
  const draw = () => terminal?.write(`\r\u001b[K${[...drawn.values()].join('  ')}`);
  return {
    onProgress(status) {
      const now = performance.now();
      const { name, progress } = status;
      const pass = begun.get(name) ?? { at: now, told: now };
      begun.set(name, pass);
      if (now - pass.told < (terminal === undefined ? quiet : 100)) return;
      pass.told = now;
      const eta = secondsLeft(progress, (now - pass.at) / 1000);
      if (terminal === undefined) {
        log.info(
          { group: name, done: progress.done, total: progress.total, etaSeconds: eta },
          'backfill runs',
        );
        return;
      }
      drawn.set(
        name,
        `${styleText('bold', name)} ${share(progress)}${eta === null ? '' : `, ${eta} s left`}`,
      );
      draw();
    },
    onPass(status, { read, written, removed, kept, seconds }) {
      begun.delete(status.name);
      if (drawn.delete(status.name)) terminal?.write('\r\u001b[K');
      const fields = {
        group: status.name,
        read,
        written,
        removed,
        kept,
        seconds: Number(seconds.toFixed(3)),
      };
      if (status.totals.passes === 1) log.info(fields, 'first backfill is complete');
      else if (written > 0 || removed > 0) log.info(fields, 'changes copied');
      else log.debug(fields, 'nothing to copy');
      if (drawn.size > 0) draw();
    },
  };
}

function share({ done, total }: GroupStatus['progress']): string {
  return total === null || total === 0
    ? `${done} rows`
    : `${Math.floor((100 * done) / total)} % of ${total} rows`;
}

function secondsLeft({ done, total }: GroupStatus['progress'], elapsed: number): number | null {
  if (total === null || done === 0 || done >= total) return null;
  return Math.ceil((elapsed / done) * (total - done));
}
