import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

export interface LogOptions {
  /** The least level that is written. Default LOG_LEVEL, else info. */
  readonly level?: string;
  /** Write to standard error, where standard output belongs to a program that reads it. Default false. */
  readonly toStderr?: boolean;
}

/** The log of one process: JSON lines on standard output, or readable ones where that is a terminal. */
export function createLog(name: string, options: LogOptions = {}): Logger {
  const { level = process.env.LOG_LEVEL ?? 'info', toStderr = false } = options;
  const stream = toStderr ? process.stderr : process.stdout;
  const settings = { name, level, base: { pid: process.pid }, redact: redacted };
  if (!stream.isTTY) return pino(settings, pino.destination(stream.fd));
  const colorize = !('NO_COLOR' in process.env);
  return pino(settings, pretty({ colorize, ignore: 'pid,name', sync: true, destination: stream.fd }));
}

/** Headers that carry secrets or persons; whoever logs headers by mistake still does not log these. */
const redacted = ['authorization', 'cookie', 'set-cookie', 'x-strangler-identity'].flatMap((header) => [
  `["${header}"]`,
  `*["${header}"]`,
  `*.*["${header}"]`,
]);
