import type { Express } from 'express';
import type { Database } from '../../db/database.ts';
import { decimalMoney, isoTime, isoTimeOrNull } from '../../formats.ts';
import { findableId, int, paging } from '../../input.ts';
import type { StockFeed } from '../../live/stock-feed.ts';
import { asyncRoute } from '../../middleware/async-route.ts';
import { loggedIn, requireLoginApi } from '../../middleware/current-user.ts';
import { absoluteUrl } from '../../middleware/locations.ts';
import {
  type BookingOutcome,
  bookTickets,
  cancelBooking,
  findBooking,
  listBookings,
} from '../../models/bookings.ts';

const MAX_TICKETS = 10;

export function bookingsApi(app: Express, db: Database, feed: StockFeed): void {
  app.post(
    '/api/bookings',
    requireLoginApi,
    asyncRoute(async (req, res) => {
      const eventId = int(req.body.event_id);
      const tickets = int(req.body.num_tickets);
      if (Number.isNaN(eventId) || Number.isNaN(tickets)) {
        res.status(400).json({ error: 'event_id and num_tickets are required' });
        return;
      }
      if (tickets < 1 || tickets > MAX_TICKETS) {
        res.status(400).json({ error: `num_tickets must be between 1 and ${MAX_TICKETS}` });
        return;
      }
      const id = findableId(eventId);
      const result: BookingOutcome =
        id === undefined
          ? { outcome: 'event not found' }
          : await bookTickets(db, loggedIn(res).id, id, tickets);
      switch (result.outcome) {
        case 'event not found':
          res.status(404).json({ error: result.outcome });
          return;
        case 'event is not on sale':
          res.json({ error: result.outcome });
          return;
        case 'not enough tickets':
          res.json({ error: result.outcome, remaining: result.remaining });
          return;
      }
      const { booking } = result;
      feed.stockChanged(booking.event_id);
      res
        .status(201)
        .location(absoluteUrl(req, `/api/bookings/${booking.id}`))
        .json({
          id: booking.id,
          event_id: booking.event_id,
          user_id: booking.user_id,
          num_tickets: booking.num_tickets,
          total: decimalMoney(booking.total_cents),
          status: booking.status,
          created_at: isoTime(booking.created_at),
          expires_at: isoTimeOrNull(booking.expires_at),
        });
    }),
  );

  app.get(
    '/api/bookings',
    requireLoginApi,
    asyncRoute(async (req, res) => {
      const page = paging(req.query);
      const { bookings, total } = await listBookings(db, loggedIn(res).id, page);
      res.json({
        bookings: bookings.map((booking) => ({
          id: booking.id,
          event_id: booking.event_id,
          num_tickets: booking.num_tickets,
          total_cents: booking.total_cents,
          status: booking.status,
          created_at: isoTime(booking.created_at),
        })),
        ...page,
        total,
      });
    }),
  );

  app.get(
    '/api/bookings/:id',
    requireLoginApi,
    asyncRoute(async (req, res) => {
      const user = loggedIn(res);
      const id = findableId(req.params.id);
      const booking = id === undefined ? undefined : await findBooking(db, id);
      if (booking === undefined || (booking.user_id !== user.id && user.role !== 'admin')) {
        res.status(404).json({ error: 'booking not found' });
        return;
      }
      res.json({
        id: booking.id,
        event_id: booking.event_id,
        user_id: booking.user_id,
        num_tickets: booking.num_tickets,
        unit_price_cents: booking.unit_price_cents,
        total_cents: booking.total_cents,
        status: booking.status,
        created_at: isoTime(booking.created_at),
        expires_at: isoTimeOrNull(booking.expires_at),
        paid_at: isoTimeOrNull(booking.paid_at),
        cancelled_at: isoTimeOrNull(booking.cancelled_at),
      });
    }),
  );

  app.post(
    '/api/bookings/:id/cancel',
    requireLoginApi,
    asyncRoute(async (req, res) => {
      const id = findableId(req.params.id);
      if (id === undefined) {
        res.status(404).json({ error: 'booking not found' });
        return;
      }
      const result = await cancelBooking(db, id, loggedIn(res).id);
      if (result.outcome === 'booking not found') {
        res.status(404).json({ error: result.outcome });
        return;
      }
      if (result.outcome !== 'cancelled') {
        res.json({ error: result.outcome });
        return;
      }
      feed.stockChanged(result.booking.event_id);
      res.json({ ok: true, id, status: 'cancelled' });
    }),
  );
}
