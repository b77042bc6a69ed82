import type { Express } from 'express';
import type { Database } from '../db/database.ts';
import { decimalMoney, longDate, now } from '../formats.ts';
import { findableId, paging } from '../input.ts';
import { asyncRoute } from '../middleware/async-route.ts';
import { currentUser } from '../middleware/current-user.ts';
import { errorPage } from '../middleware/errors.ts';
import { findEvent, listCategories, listOnSale, venueOf } from '../models/events.ts';
import { catalogueFilter } from './catalogue-filter.ts';

export function catalogueRoutes(app: Express, db: Database): void {
  app.get(
    '/',
    asyncRoute(async (req, res) => {
      const page = paging(req.query);
      const filter = catalogueFilter(req.query);
      const { events, total } = await listOnSale(db, filter, page);
      const categories = await listCategories(db);
      const pages = Math.ceil(total / page.per_page);
      res.render('catalogue', { events, categories, filter, page, pages, total, decimalMoney, longDate });
    }),
  );

  app.get(
    '/events/:id',
    asyncRoute(async (req, res) => {
      const id = findableId(req.params.id);
      const event = id === undefined ? undefined : await findEvent(db, id);
      // Unlike the JSON API, the shop does not show drafts to its customers.
      if (event === undefined || (event.status === 'draft' && currentUser(res)?.role !== 'admin')) {
        return errorPage(res, 404);
      }
      const venue = await venueOf(db, event);
      const onSale = event.status === 'on_sale' && event.starts_at > now();
      res.render('event', { event, venue, onSale, decimalMoney, longDate });
    }),
  );
}
