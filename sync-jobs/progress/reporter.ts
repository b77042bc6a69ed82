import { styleText } from 'node:util';
import type { Logger } from '@strangler-fig/kernel/log';
import type { GroupStatus } from '../runner/status.ts';

/** Tells people how first copies go. */
export interface ProgressReporter {
  onProgress(status: GroupStatus): void;
  onCopied(status: GroupStatus): void;
}

/** A line of a long copy comes at most so often, in milliseconds. */
const quiet = 2_000;

/**
 * Progress to the log, a line per group every two seconds at most; where `terminal` is given, one line there
 * instead that is drawn over and over.
 */
export function reportProgress(log: Logger, terminal?: NodeJS.WriteStream): ProgressReporter {
  const told = new Map<string, number>();
  const drawn = new Map<string, string>();
  const draw = () => terminal?.write(`\r\u001b[K${[...drawn.values()].join('  ')}`);
  return {
    onProgress({ name, progress }) {
      const now = performance.now();
      const last = told.get(name) ?? now;
      if (!told.has(name)) told.set(name, now);
      if (now - last < (terminal === undefined ? quiet : 100)) return;
      told.set(name, now);
      const { etaSeconds } = progress;
      if (terminal === undefined) {
        log.info({ group: name, done: progress.done, total: progress.total, etaSeconds }, 'backfill runs');
        return;
      }
      const left = etaSeconds === null ? '' : `, ${etaSeconds} s left`;
      drawn.set(name, `${styleText('bold', name)} ${share(progress)}${left}`);
      draw();
    },
    onCopied({ name, progress, owner }) {
      told.delete(name);
      if (drawn.delete(name)) terminal?.write('\r\u001b[K');
      log.info({ group: name, rows: progress.done, owner }, 'first backfill is complete');
      if (drawn.size > 0) draw();
    },
  };
}

function share({ done, total }: GroupStatus['progress']): string {
  return total === null || total === 0
    ? `${done} rows`
    : `${Math.min(100, Math.floor((100 * done) / total))} % of ${total} rows`;
}
