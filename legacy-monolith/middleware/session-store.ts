import session, { type SessionData } from 'express-session';
import type { Database } from '../db/database.ts';
import { databaseTime, now } from '../formats.ts';

export const SESSION_DAYS = 7;

/**
 * Sessions in the shared database. A session ends seven days after its last change: there is no `touch`, so
 * that reading a page does not write.
 */
export class DatabaseSessionStore extends session.Store {
  readonly #db: Database;

  constructor(db: Database) {
    super();
    this.#db = db;
  }

  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    this.#db
      .one<{ data: string }>('SELECT data FROM sessions WHERE sid = ? AND expires_at > ?', [sid, now()])
      .then((row) => callback(null, row === undefined ? null : parsed(row.data)), callback);
  }

  override set(sid: string, data: SessionData, callback?: (error?: unknown) => void): void {
    const expires = data.cookie.expires ?? new Date(Date.now() + SESSION_DAYS * 86_400_000);
    this.#db
      .run(
        `INSERT INTO sessions (sid, data, expires_at) VALUES (?, ?, ?)
         ON CONFLICT (sid) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`,
        [sid, JSON.stringify(data), databaseTime(new Date(expires))],
      )
      .then(() => callback?.(), callback);
  }

  override destroy(sid: string, callback?: (error?: unknown) => void): void {
    this.#db.run('DELETE FROM sessions WHERE sid = ?', [sid]).then(() => callback?.(), callback);
  }
}

/** Deletes the sessions that are over and answers how many. */
export function purgeSessions(db: Database): Promise<number> {
  return db.run('DELETE FROM sessions WHERE expires_at <= ?', [now()]);
}

/** A row that is not JSON is no session. */
function parsed(data: string): SessionData | null {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
