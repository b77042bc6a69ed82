import type { Logger } from '@strangler-fig/kernel/log';

/** One line of the facade's log. */
export type LogLine = Record<string, unknown> & { level: string; msg: string };

/** A log that tests can read, and wait for. */
export function memoryLog() {
  const lines: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  const write = (level: string) => (entry: object, msg: string) => {
    const line: LogLine = { ...entry, level, msg };
    lines.push(line);
    for (const tell of waiting) tell(line);
  };
  const logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => logger,
  } as unknown as Logger;
  const logged = (holds: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve) => {
      const found = lines.find(holds);
      if (found !== undefined) return resolve(found);
      const tell = (line: LogLine) => {
        if (!holds(line)) return;
        waiting.delete(tell);
        resolve(line);
      };
      waiting.add(tell);
    });
  return { lines, logger, logged };
}
