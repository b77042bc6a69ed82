import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Log } from './access-log.ts';

/** What express and its body parsers put on their errors. */
interface HttpError extends Error {
  status?: number;
  type?: string;
}

export const notFound: RequestHandler = (req, res) => {
  if (isApi(req)) {
    res.status(404).json({ error: 'not found' });
    return;
  }
  errorPage(res, 404);
};

/** The last handler: a client's error keeps its status, everything else is a 500 and goes to the log. */
export function handleError(log: Log): ErrorRequestHandler {
  return (error: HttpError, req, res, next) => {
    const status = clientStatus(error) ?? 500;
    if (status === 500) log.error(error.stack ?? String(error));
    if (res.headersSent) return next(error); // express cuts the connection
    if (isApi(req)) {
      res.status(status).json({ error: apiMessage(error, status) });
      return;
    }
    errorPage(res, status);
  };
}

export function errorPage(res: Response, status: number): void {
  res.status(status).render('error', { status, message: STATUS_CODES[status] ?? 'Error' });
}

function apiMessage(error: HttpError, status: number): string {
  if (status === 500) return 'internal error';
  if (status === 413) return 'request entity too large';
  return error.type === 'entity.parse.failed' ? 'invalid JSON' : 'bad request';
}

function clientStatus({ status }: HttpError): number | undefined {
  return status !== undefined && status >= 400 && status < 500 ? status : undefined;
}

function isApi(req: Request): boolean {
  return /^\/api(\/|$)/i.test(req.path);
}
