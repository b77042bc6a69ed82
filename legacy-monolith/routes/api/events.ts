import type { Express } from 'express';
import type { Database } from '../../db/database.ts';
import { decimalMoney } from '../../formats.ts';
import { findableId, int, paging } from '../../input.ts';
import { asyncRoute } from '../../middleware/async-route.ts';
import { type EventWithVenue, findEvent, listOnSale, venueOf } from '../../models/events.ts';
import { catalogueFilter } from '../catalogue-filter.ts';

export function eventsApi(app: Express, db: Database): void {
  app.get(
    '/api/events',
    asyncRoute(async (req, res) => {
      const page = paging(req.query);
      const { events, total } = await listOnSale(db, catalogueFilter(req.query), page);
      res.json({ events: events.map(eventJson), ...page, total });
    }),
  );

  app.get(
    '/api/events/:id',
    asyncRoute(async (req, res) => {
      const id = findableId(req.params.id);
      const event = id === undefined ? undefined : await findEvent(db, id);
      if (event === undefined) {
        res.status(404).json({ error: 'event not found' });
        return;
      }
      res.json({
        ...eventJson({ ...event, venue: await venueOf(db, event) }),
        description: event.description,
        total_stock: event.total_stock,
        status: event.status,
        created_at: event.created_at,
      });
    }),
  );

  // The box office's tills ask here, by item number.
  app.get(
    '/api/inventory/:itemId',
    asyncRoute(async (req, res) => {
      if (Number.isNaN(int(req.params.itemId))) {
        res.status(400).json({ error: 'itemId must be a number' });
        return;
      }
      const id = findableId(req.params.itemId);
      const event = id === undefined ? undefined : await findEvent(db, id);
      if (event === undefined) {
        res.json({ error: 'no such item' });
        return;
      }
      res.json({
        item_id: event.id,
        sku: `EVT-${String(event.id).padStart(6, '0')}`,
        stock: event.stock,
        total_stock: event.total_stock,
        price_cents: event.price_cents,
        status: event.status,
        updated_at: event.updated_at,
      });
    }),
  );
}

function eventJson(event: EventWithVenue) {
  return {
    id: event.id,
    title: event.title,
    slug: event.slug,
    category: event.category,
    venue: { id: event.venue.id, name: event.venue.name, city: event.venue.city },
    starts_at: event.starts_at,
    price: decimalMoney(event.price_cents),
    stock: event.stock,
    sold_out: event.stock === 0,
  };
}
