import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { type Logger, pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { reportProgress } from '../progress/reporter.ts';
import type { GroupStatus } from '../runner/status.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function status(progress: Partial<GroupStatus['progress']>, name = 'booking'): GroupStatus {
  return {
    name,
    state: 'copying',
    owner: 'legacy',
    epoch: 1,
    legacy: 'a',
    service: 'b',
    backfilled: false,
    progress: { done: 0, total: 400, etaSeconds: null, ...progress },
    feeds: [],
    poison: [],
    drift: [],
    lastVerify: null,
    errors: {},
    error: null,
  };
}

function collectedLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { base: null, timestamp: false },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  return { log, lines };
}

/** What a terminal shows, and every cleared line as `<clear>`. */
function fakeTerminal(): { stream: NodeJS.WriteStream; shown(): string } {
  const terminal = new PassThrough({ encoding: 'utf8' });
  return {
    stream: terminal as unknown as NodeJS.WriteStream,
    shown: () => stripVTControlCharacters(String(terminal.read() ?? '').replaceAll('\r\u001b[K', '<clear>')),
  };
}

test('a long copy gets a line every two seconds with what is left, and a last one with the rows', () => {
  const { log, lines } = collectedLog();
  const reporter = reportProgress(log);
  for (let done = 0; done <= 400; done += 10) {
    reporter.onProgress(status({ done, etaSeconds: done === 400 ? null : (400 - done) / 100 }));
    vi.advanceTimersByTime(100);
  }
  reporter.onCopied(status({ done: 400 }));
  expect(lines).toEqual([
    { level: 30, group: 'booking', done: 200, total: 400, etaSeconds: 2, msg: 'backfill runs' },
    { level: 30, group: 'booking', done: 400, total: 400, etaSeconds: null, msg: 'backfill runs' },
    { level: 30, group: 'booking', rows: 400, owner: 'legacy', msg: 'first backfill is complete' },
  ]);
});

test('each group has two seconds of its own, and a copy that starts anew begins them again', () => {
  const { log, lines } = collectedLog();
  const reporter = reportProgress(log);
  reporter.onProgress(status({ done: 1 }));
  vi.advanceTimersByTime(1_500);
  reporter.onProgress(status({ done: 1 }, 'profile'));
  vi.advanceTimersByTime(500);
  reporter.onProgress(status({ done: 2 }));
  reporter.onProgress(status({ done: 2 }, 'profile'));
  expect(lines.map(({ group }) => group)).toEqual(['booking']);
  vi.advanceTimersByTime(1_500);
  reporter.onProgress(status({ done: 3 }));
  reporter.onProgress(status({ done: 3 }, 'profile'));
  expect(lines.map(({ group }) => group)).toEqual(['booking', 'profile']);
  reporter.onCopied(status({ done: 4 }));
  vi.advanceTimersByTime(1_900);
  reporter.onProgress(status({ done: 1 }));
  expect(lines.map(({ msg }) => msg)).toEqual([
    'backfill runs',
    'backfill runs',
    'first backfill is complete',
  ]);
});

test('a copy too short for a line of its own still says that it is complete', () => {
  const { log, lines } = collectedLog();
  reportProgress(log).onCopied(status({ done: 0, total: 0 }));
  expect(lines).toMatchObject([{ rows: 0, msg: 'first backfill is complete' }]);
});

test('a terminal gets one line that is drawn over, and removed in the end', () => {
  const { log, lines } = collectedLog();
  const { stream, shown } = fakeTerminal();
  const reporter = reportProgress(log, stream);
  reporter.onProgress(status({ done: 100 }));
  vi.advanceTimersByTime(99);
  reporter.onProgress(status({ done: 150 }));
  expect(shown()).toBe('');
  vi.advanceTimersByTime(1);
  reporter.onProgress(status({ done: 200, etaSeconds: 1 }));
  expect(shown()).toBe('<clear>booking 50 % of 400 rows, 1 s left');
  reporter.onCopied(status({ done: 400 }));
  expect(shown()).toBe('<clear>');
  expect(lines).toMatchObject([{ rows: 400, msg: 'first backfill is complete' }]);
});

test('a terminal shows the groups side by side, and those that still run when one is done', () => {
  const { stream, shown } = fakeTerminal();
  const reporter = reportProgress(collectedLog().log, stream);
  const draw = (...statuses: GroupStatus[]) => {
    vi.advanceTimersByTime(100);
    for (const one of statuses) reporter.onProgress(one);
  };
  draw(status({}), status({}, 'profile'));
  draw(status({ done: 399 }), status({ done: 7, total: null }, 'profile'));
  expect(shown()).toBe('<clear>booking 99 % of 400 rows<clear>booking 99 % of 400 rows  profile 7 rows');
  // More rows than were counted at the start are no reason to show more than all.
  draw(status({ done: 500 }));
  expect(shown()).toBe('<clear>booking 100 % of 400 rows  profile 7 rows');
  reporter.onCopied(status({ done: 500 }));
  expect(shown()).toBe('<clear><clear>profile 7 rows');
});
