import type { RequestHandler } from 'express';

/** Where the application's lines go. */
export interface Log {
  log(line: string): void;
  error(line: string): void;
}

/** One line a request: method, path without its query, status, milliseconds. */
export function accessLog(log: Log): RequestHandler {
  return (req, res, next) => {
    const started = process.hrtime.bigint();
    const { method, path } = req;
    res.on('close', () => {
      const milliseconds = Number(process.hrtime.bigint() - started) / 1e6;
      const status = res.writableFinished ? res.statusCode : 'aborted';
      log.log(`${method} ${path} ${status} ${milliseconds.toFixed(1)} ms`);
    });
    next();
  };
}
