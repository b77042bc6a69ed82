import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

/**
 * The log of one process: JSON lines on standard output, or readable ones where that is a terminal.
 * LOG_LEVEL (default info) is the least level that is written.
 */
export function createLog(name: string, level = process.env.LOG_LEVEL ?? 'info'): Logger {
  const options = { name, level, base: { pid: process.pid }, redact: redacted };
  if (process.stdout.isTTY) {
    return pino(options, pretty({ colorize: !('NO_COLOR' in process.env), ignore: 'pid,name', sync: true }));
  }
  return pino(options);
}

/** Headers that carry secrets or persons; whoever logs headers by mistake still does not log these. */
const redacted = ['authorization', 'cookie', 'set-cookie', 'x-strangler-identity'].flatMap((header) => [
  `["${header}"]`,
  `*["${header}"]`,
  `*.*["${header}"]`,
]);
