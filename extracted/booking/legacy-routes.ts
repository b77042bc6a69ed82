import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import {
  legacyLocation,
  legacyReplies,
  redirectLegacy,
  sendLegacyJson,
  sendLegacyText,
} from '@ticketnow/service-kit/legacy-replies';
import { decimalMoney, int, isLegacyId, legacyIso, legacyPaging } from '@ticketnow/service-kit/legacy-values';
import type { Service } from '@ticketnow/service-kit/service';
import type { FastifyReply } from 'fastify';
import type { Kysely } from 'kysely';
import type { Bookings, BookOutcome } from './bookings.ts';
import { isKey, keyHeader, requestHash } from './idempotency.ts';
import { bookSchema, cancelSchema, listSchema, oneSchema, paySchema } from './legacy-schemas.ts';
import { findBooking, listBookings } from './queries.ts';
import { pay } from './records.ts';
import type { Booking, BookingSchema } from './schema.ts';

/** The paths that the monolith has, answered as it answers them. */
export async function addLegacyRoutes(
  parent: Service,
  needs: { db: Kysely<BookingSchema>; commits: GroupCommit; bookings: Bookings },
): Promise<void> {
  const { db, commits, bookings } = needs;
  await parent.register(async (app: Service) => {
    legacyReplies(app);

    app.post('/api/bookings', { schema: bookSchema }, async (request, reply) => {
      const { userId } = request.caller;
      if (userId === undefined) return loginRequired(reply);
      const wanted = readBooking(request.body as Record<string, unknown>);
      if ('error' in wanted) return sendLegacyJson(reply, 400, wanted);
      const key = request.headers[keyHeader];
      if (key !== undefined && !isKey(key)) {
        return sendLegacyJson(reply, 400, {
          error: 'Idempotency-Key must be 1 to 255 visible ASCII characters',
        });
      }
      if (!isLegacyId(wanted.eventId)) return sendLegacyJson(reply, 404, { error: 'event not found' });
      const hash = requestHash('legacy', wanted.eventId, wanted.quantity);
      const outcome = await bookings.book({
        userId,
        ...wanted,
        idempotency: key === undefined ? undefined : { key, requestHash: hash },
        answer: (booking) => ({
          status: 201,
          location: legacyLocation(request, `/api/bookings/${booking.id}`),
          body: JSON.stringify(bookedView(booking)),
        }),
        traceparent: request.traceparent,
      });
      return answerBooking(reply, outcome);
    });

    app.get('/api/bookings', { schema: listSchema }, async (request, reply) => {
      const { userId } = request.caller;
      if (userId === undefined) return loginRequired(reply);
      const paging = legacyPaging(request.query);
      const found = await listBookings(db, userId, paging);
      return sendLegacyJson(reply, 200, {
        bookings: found.bookings.map(listedView),
        page: paging.page,
        per_page: paging.perPage,
        total: found.total,
      });
    });

    app.get('/api/bookings/:id', { schema: oneSchema }, async (request, reply) => {
      const { userId, role } = request.caller;
      if (userId === undefined) return loginRequired(reply);
      const id = int(request.params.id);
      const booking = isLegacyId(id) ? await findBooking(db, id) : undefined;
      if (booking === undefined || (booking.user_id !== userId && role !== 'admin'))
        return bookingNotFound(reply);
      return sendLegacyJson(reply, 200, fullView(booking));
    });

    app.post('/api/bookings/:id/cancel', { schema: cancelSchema }, async (request, reply) => {
      const { userId } = request.caller;
      if (userId === undefined) return loginRequired(reply);
      const id = int(request.params.id);
      if (!isLegacyId(id)) return bookingNotFound(reply);
      const { outcome } = await bookings.cancel(id, userId, request.traceparent);
      switch (outcome) {
        case 'not_found':
          return bookingNotFound(reply);
        case 'already_cancelled':
          return sendLegacyJson(reply, 200, { error: 'already cancelled' });
        case 'expired':
          return sendLegacyJson(reply, 200, { error: 'booking has expired' });
        case 'cancelled':
          return sendLegacyJson(reply, 200, { ok: true, id, status: 'cancelled' });
      }
    });

    app.post('/account/bookings/:id/pay', { schema: paySchema }, async (request, reply) => {
      const { userId } = request.caller;
      if (userId === undefined) return redirectLegacy(reply, '/login');
      const bookingId = int(request.params.id);
      if (!isLegacyId(bookingId)) return redirectLegacy(reply, '/account?error=booking');
      const { outcome } = await commits.submit((tx) => pay(tx, { bookingId, userId }, Date.now()));
      return redirectLegacy(
        reply,
        outcome === 'paid' ? `/account?paid=${bookingId}` : '/account?error=booking',
      );
    });
  });
}

function readBooking(
  body: Record<string, unknown>,
): { eventId: number; quantity: number } | { error: string } {
  const eventId = int(body.event_id);
  const quantity = int(body.num_tickets);
  if (Number.isNaN(eventId) || Number.isNaN(quantity)) {
    return { error: 'event_id and num_tickets are required' };
  }
  if (quantity < 1 || quantity > 10) return { error: 'num_tickets must be between 1 and 10' };
  return { eventId, quantity };
}

function answerBooking(reply: FastifyReply, outcome: BookOutcome): FastifyReply {
  switch (outcome.outcome) {
    case 'replayed':
      reply.header('idempotent-replayed', 'true');
      reply.header('location', outcome.answer.location);
      return sendLegacyText(reply, outcome.answer.status, outcome.answer.body);
    case 'booked':
      reply.header('location', outcome.answer.location);
      return sendLegacyText(reply, outcome.answer.status, outcome.answer.body);
    case 'item_not_found':
      return sendLegacyJson(reply, 404, { error: 'event not found' });
    case 'not_on_sale':
      return sendLegacyJson(reply, 200, { error: 'event is not on sale' });
    case 'insufficient_stock':
      return sendLegacyJson(reply, 200, { error: 'not enough tickets', remaining: outcome.remaining });
    case 'key_in_progress':
      return sendLegacyJson(reply.header('retry-after', 1), 409, {
        error: 'a request with this idempotency key is in progress',
      });
    case 'key_reused':
      return sendLegacyJson(reply, 422, { error: 'idempotency key reused with another request' });
  }
}

function loginRequired(reply: FastifyReply): FastifyReply {
  return sendLegacyJson(reply, 401, { error: 'login required' });
}

function bookingNotFound(reply: FastifyReply): FastifyReply {
  return sendLegacyJson(reply, 404, { error: 'booking not found' });
}

function bookedView(booking: Booking): object {
  return {
    id: booking.id,
    event_id: booking.event_id,
    user_id: booking.user_id,
    num_tickets: booking.quantity,
    total: decimalMoney(booking.total_cents),
    status: booking.state,
    created_at: legacyIso(booking.created_at),
    expires_at: legacyIso(booking.expires_at),
  };
}

function listedView(booking: Booking): object {
  return {
    id: booking.id,
    event_id: booking.event_id,
    num_tickets: booking.quantity,
    total_cents: booking.total_cents,
    status: booking.state,
    created_at: legacyIso(booking.created_at),
  };
}

function fullView(booking: Booking): object {
  return {
    id: booking.id,
    event_id: booking.event_id,
    user_id: booking.user_id,
    num_tickets: booking.quantity,
    unit_price_cents: booking.unit_price_cents,
    total_cents: booking.total_cents,
    status: booking.state,
    created_at: legacyIso(booking.created_at),
    expires_at: legacyIso(booking.expires_at),
    paid_at: legacyIso(booking.paid_at),
    cancelled_at: legacyIso(booking.cancelled_at),
  };
}
