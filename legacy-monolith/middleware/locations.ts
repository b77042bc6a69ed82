import type { Request, Response } from 'express';

/** This application's address of `path`, as clients before HTTP 1.1's revision wanted it: always absolute. */
export function absoluteUrl(req: Request, path: string): string {
  return `http://${req.headers.host ?? 'localhost'}${path}`;
}

export function redirectTo(req: Request, res: Response, path: string): void {
  res.redirect(absoluteUrl(req, path));
}
