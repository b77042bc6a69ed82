import type { Request, RequestHandler, Response } from 'express';
import type { Database } from '../db/database.ts';
import { findUser, type User } from '../models/users.ts';
import { redirectTo } from './locations.ts';

declare module 'express-session' {
  interface SessionData {
    userId: number;
  }
}

/** Loads the session's user for routes and views; a deleted user is not logged in. */
export function loadUser(db: Database): RequestHandler {
  return (req, res, next) => {
    const { userId } = req.session;
    if (userId === undefined) return next();
    findUser(db, userId).then((user) => {
      res.locals.user = user;
      next();
    }, next);
  };
}

export function currentUser(res: Response): User | undefined {
  return res.locals.user;
}

/** A new session, so that an id known from before the login is worth nothing. */
export function startSession(req: Request, userId: number): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.regenerate((error) => {
      if (error) return reject(error);
      req.session.userId = userId;
      resolve();
    });
  });
}

export function endSession(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.destroy((error) => (error ? reject(error) : resolve()));
  });
}

/** The user behind `requireLogin`, `requireLoginApi` or `requireAdmin`. */
export function loggedIn(res: Response): User {
  const user = currentUser(res);
  if (user === undefined) throw new Error('this route does not require a login');
  return user;
}

export const requireLogin: RequestHandler = (req, res, next) => {
  if (currentUser(res) === undefined) return redirectTo(req, res, '/login');
  next();
};

export const requireLoginApi: RequestHandler = (_req, res, next) => {
  if (currentUser(res) === undefined) {
    res.status(401).json({ error: 'login required' });
    return;
  }
  next();
};

export const requireAdmin: RequestHandler = (req, res, next) => {
  const user = currentUser(res);
  if (user === undefined) return redirectTo(req, res, '/login');
  if (user.role !== 'admin') {
    res.status(403).type('html').send('Forbidden');
    return;
  }
  next();
};
