import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Express } from 'express';
import type { Database } from '../db/database.ts';
import { decimalMoney, longDate, now } from '../formats.ts';
import { findableId, int, paging } from '../input.ts';
import type { StockFeed } from '../live/stock-feed.ts';
import { asyncRoute } from '../middleware/async-route.ts';
import { requireAdmin } from '../middleware/current-user.ts';
import { redirectTo } from '../middleware/locations.ts';
import { readEventForm } from '../models/event-form.ts';
import {
  addStock,
  type Event,
  eventStatuses,
  findEvent,
  listAll,
  listVenues,
  updateEvent,
} from '../models/events.ts';
import { salesReport } from '../models/sales-report.ts';

const MAX_ADD = 100_000;

export function adminRoutes(app: Express, db: Database, feed: StockFeed): void {
  app.get(
    '/admin',
    requireAdmin,
    asyncRoute(async (req, res) => {
      const page = paging(req.query);
      const events = await listAll(db, page);
      res.render('admin', { events, page, unknownEvent: req.query.error !== undefined, longDate });
    }),
  );

  app.get(
    '/admin/events/:id',
    requireAdmin,
    asyncRoute(async (req, res) => {
      const event = await eventById(db, req.params.id);
      if (event === undefined) return redirectTo(req, res, '/admin?error=event');
      const venues = await listVenues(db);
      res.render('admin-event', { event, venues, eventStatuses, query: req.query, decimalMoney });
    }),
  );

  app.post(
    '/admin/events/:id',
    requireAdmin,
    asyncRoute(async (req, res) => {
      const event = await eventById(db, req.params.id);
      if (event === undefined) return redirectTo(req, res, '/admin?error=event');
      const read = readEventForm(req.body, await listVenues(db));
      if ('invalid' in read) return redirectTo(req, res, `/admin/events/${event.id}?error=${read.invalid}`);
      await updateEvent(db, event.id, read.changes);
      redirectTo(req, res, `/admin/events/${event.id}?saved=1`);
    }),
  );

  app.post(
    '/admin/events/:id/stock',
    requireAdmin,
    asyncRoute(async (req, res) => {
      const event = await eventById(db, req.params.id);
      if (event === undefined) return redirectTo(req, res, '/admin?error=event');
      const add = int(req.body.add);
      const allowed = add !== 0 && Math.abs(add) <= MAX_ADD; // NaN is not
      if (!allowed || !(await addStock(db, event.id, add))) {
        return redirectTo(req, res, `/admin/events/${event.id}?error=stock`);
      }
      feed.stockChanged(event.id);
      redirectTo(req, res, `/admin/events/${event.id}?saved=1`);
    }),
  );

  app.get(
    '/admin/reports/sales.csv',
    requireAdmin,
    asyncRoute(async (_req, res) => {
      res.type('text/csv').attachment(`sales-${now().slice(0, 10)}.csv`);
      await pipeline(Readable.from(salesReport(db)), res).catch((error: NodeJS.ErrnoException) => {
        // Whoever asked has gone away: that is no error of ours.
        if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
      });
    }),
  );
}

async function eventById(db: Database, param: unknown): Promise<Event | undefined> {
  const id = findableId(param);
  return id === undefined ? undefined : findEvent(db, id);
}
