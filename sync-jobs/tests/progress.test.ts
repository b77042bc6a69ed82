import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { type Logger, pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { reportProgress } from '../progress/reporter.ts';
import type { GroupStatus, PassReport } from '../runner/status.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function status(done: number, total: number, passes = 0): GroupStatus {
  return {
    name: 'booking',
    state: 'running',
    from: 'a',
    to: 'b',
    backfilled: false,
    progress: { done, total },
    lastPass: null,
    lastSuccessAt: null,
    totals: { read: done, written: 0, removed: 0, passes },
    errors: {},
    error: null,
  };
}

const pass: PassReport = { startedAt: '', seconds: 4.2, read: 400, written: 400, removed: 0, kept: 3 };

function collectedLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { base: null, timestamp: false },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  return { log, lines };
}

test('a long pass gets a line every two seconds with what is left, and a last one with the counts', () => {
  const { log, lines } = collectedLog();
  const reporter = reportProgress(log);
  for (let done = 0; done <= 400; done += 10) {
    reporter.onProgress(status(done, 400));
    vi.advanceTimersByTime(100);
  }
  reporter.onPass(status(400, 400, 1), pass);
  expect(lines).toEqual([
    { level: 30, group: 'booking', done: 200, total: 400, etaSeconds: 2, msg: 'backfill runs' },
    { level: 30, group: 'booking', done: 400, total: 400, etaSeconds: null, msg: 'backfill runs' },
    {
      level: 30,
      group: 'booking',
      read: 400,
      written: 400,
      removed: 0,
      kept: 3,
      seconds: 4.2,
      msg: 'first backfill is complete',
    },
  ]);
});

test('later passes are mentioned only when they changed something', () => {
  const { log, lines } = collectedLog();
  const reporter = reportProgress(log);
  reporter.onPass(status(400, 400, 2), { ...pass, written: 0 });
  reporter.onPass(status(400, 400, 3), { ...pass, written: 0, removed: 1 });
  expect(lines).toMatchObject([{ removed: 1, msg: 'changes copied' }]);
});

test('a terminal gets one line that is drawn over, and removed in the end', () => {
  const { log } = collectedLog();
  const terminal = new PassThrough({ encoding: 'utf8' });
  const reporter = reportProgress(log, terminal as unknown as NodeJS.WriteStream);
  reporter.onProgress(status(100, 400));
  vi.advanceTimersByTime(1_000);
  reporter.onProgress(status(200, 400));
  reporter.onPass(status(400, 400, 1), pass);
  expect(stripVTControlCharacters(terminal.read() as string)).toBe('\rbooking 50 % of 400 rows, 1 s left\r');
});
