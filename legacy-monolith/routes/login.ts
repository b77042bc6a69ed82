import bcrypt from 'bcryptjs';
import type { Express } from 'express';
import type { Database } from '../db/database.ts';
import { isText } from '../input.ts';
import { asyncRoute } from '../middleware/async-route.ts';
import { endSession, startSession } from '../middleware/current-user.ts';
import { redirectTo } from '../middleware/locations.ts';
import { createUser, findUserByEmail, type User } from '../models/users.ts';

const HASH_ROUNDS = 10;

export function loginRoutes(app: Express, db: Database): void {
  app.get('/login', (req, res) => {
    res.render('login', { failed: req.query.error !== undefined });
  });

  app.post(
    '/login',
    asyncRoute(async (req, res) => {
      const user = await userWithPassword(db, req.body.email, req.body.password);
      if (user !== undefined) await startSession(req, user.id);
      if (!req.is('json')) return redirectTo(req, res, user === undefined ? '/login?error=1' : '/account');
      if (user === undefined) {
        res.json({ error: 'wrong email or password' });
        return;
      }
      const { id, email, full_name, role } = user;
      res.json({ ok: true, user: { id, email, full_name, role } });
    }),
  );

  app.post(
    '/logout',
    asyncRoute(async (req, res) => {
      await endSession(req);
      res.clearCookie('ticketnow.sid');
      redirectTo(req, res, '/');
    }),
  );

  app.get('/register', (req, res) => {
    res.render('register', { error: req.query.error });
  });

  app.post(
    '/register',
    asyncRoute(async (req, res) => {
      const { email, password, full_name } = req.body;
      if (!isText(email, 254) || !/^[^\s@]+@[^\s@]+$/.test(email.trim())) {
        return redirectTo(req, res, '/register?error=email');
      }
      // bcrypt reads no more than 72 bytes.
      if (!isText(password, 72) || password.length < 8 || bcrypt.truncates(password)) {
        return redirectTo(req, res, '/register?error=password');
      }
      if (!isText(full_name, 100) || full_name.trim() === '') {
        return redirectTo(req, res, '/register?error=full_name');
      }
      const userId = await createUser(db, {
        email: email.trim().toLowerCase(),
        password_hash: await bcrypt.hash(password, HASH_ROUNDS),
        full_name: full_name.trim(),
      });
      if (userId === undefined) return redirectTo(req, res, '/register?error=taken');
      await startSession(req, userId);
      redirectTo(req, res, '/account');
    }),
  );
}

async function userWithPassword(db: Database, email: unknown, password: unknown): Promise<User | undefined> {
  if (!isText(email, 254) || !isText(password, 200)) return undefined;
  const user = await findUserByEmail(db, email.trim().toLowerCase());
  return user !== undefined && (await bcrypt.compare(password, user.password_hash)) ? user : undefined;
}
