import path from 'node:path';
import ejs from 'ejs';
import express, { type Express } from 'express';
import session from 'express-session';
import type { Database } from './db/database.ts';
import { createStockFeed, type StockFeed } from './live/stock-feed.ts';
import { accessLog, type Log } from './middleware/access-log.ts';
import { loadUser } from './middleware/current-user.ts';
import { handleError, notFound } from './middleware/errors.ts';
import { DatabaseSessionStore, SESSION_DAYS } from './middleware/session-store.ts';
import { accountRoutes } from './routes/account.ts';
import { adminRoutes } from './routes/admin.ts';
import { bookingsApi } from './routes/api/bookings.ts';
import { eventsApi } from './routes/api/events.ts';
import { usersApi } from './routes/api/users.ts';
import { blogRoutes } from './routes/blog.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { healthRoute } from './routes/health.ts';
import { loginRoutes } from './routes/login.ts';

export interface AppOptions {
  db: Database;
  /** Signs the session cookie; with another one, everybody logs in again. */
  sessionSecret: string;
  /** An existing folder for the users' pictures. */
  uploadsDir: string;
  /** Where access lines and errors go. */
  log: Log;
}

/** Builds TicketNow. The feed needs an HTTP server: `feed.attach(server)`. */
export function createApp({ db, sessionSecret, uploadsDir, log }: AppOptions): {
  app: Express;
  feed: StockFeed;
} {
  const app = express();
  const feed = createStockFeed(db, log);
  app.engine('ejs', ejs.renderFile as Parameters<Express['engine']>[1]);
  app.set('view engine', 'ejs');
  app.set('views', path.join(import.meta.dirname, 'views'));

  app.use(accessLog(log));
  healthRoute(app, db);
  app.use(express.static(path.join(import.meta.dirname, 'public')));
  app.use('/uploads', express.static(uploadsDir, { index: false }));
  app.use(express.json({ limit: '100kb' }));
  app.use(express.urlencoded({ extended: false, limit: '100kb' }));
  app.use(
    session({
      name: 'ticketnow.sid',
      secret: sessionSecret,
      store: new DatabaseSessionStore(db),
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', maxAge: SESSION_DAYS * 86_400_000 },
    }),
  );
  app.use(loadUser(db));

  catalogueRoutes(app, db);
  blogRoutes(app, db);
  loginRoutes(app, db);
  accountRoutes(app, db, uploadsDir);
  adminRoutes(app, db, feed);
  eventsApi(app, db);
  usersApi(app, db);
  bookingsApi(app, db, feed);

  app.use(notFound);
  app.use(handleError(log));
  return { app, feed };
}
