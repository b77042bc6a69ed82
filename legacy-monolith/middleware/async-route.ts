import type { Request, RequestHandler, Response } from 'express';

/** Express 4 does not wait for promises: this hands a rejection on to the error handler. */
export function asyncRoute(handle: (req: Request, res: Response) => Promise<void>): RequestHandler {
  return (req, res, next) => {
    handle(req, res).catch(next);
  };
}
