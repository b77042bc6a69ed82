import type { Express } from 'express';
import type { Database } from '../db/database.ts';

export function healthRoute(app: Express, db: Database): void {
  app.get('/health', (_req, res) => {
    db.one('SELECT 1').then(
      () => res.json({ status: 'ok' }),
      () => res.status(503).json({ status: 'down' }),
    );
  });
}
