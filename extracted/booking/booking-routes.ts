import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import { ProblemError, problem } from '@ticketnow/service-kit/problem';
import type { Service } from '@ticketnow/service-kit/service';
import type { FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import Type, { type Static } from 'typebox';
import type { Bookings, BookOutcome } from './bookings.ts';
import { keyPattern, requestHash } from './idempotency.ts';
import { findBooking, listBookingsBefore } from './queries.ts';
import { pay } from './records.ts';
import type { Answer } from './saga.ts';
import type { Booking, BookingSchema } from './schema.ts';

/** /api/v2/bookings: the same bookings without the habits of the old paths. */
export function addBookingRoutes(
  app: Service,
  needs: { db: Kysely<BookingSchema>; commits: GroupCommit; bookings: Bookings },
): void {
  const { db, commits, bookings } = needs;

  app.post('/api/v2/bookings', { schema: bookSchema }, async (request, reply) => {
    const userId = requireUser(request);
    const { eventId, quantity } = request.body;
    const key = request.headers['idempotency-key'];
    const outcome = await bookings.book({
      userId,
      eventId,
      quantity,
      idempotency: key === undefined ? undefined : { key, requestHash: requestHash('v2', eventId, quantity) },
      answer: (booking) => ({
        status: 201,
        location: `/api/v2/bookings/${booking.id}`,
        body: JSON.stringify(present(booking)),
      }),
      traceparent: request.traceparent,
    });
    const answer = answerOf(outcome);
    if (outcome.outcome === 'replayed') reply.header('idempotent-replayed', 'true');
    return reply.code(201).header('location', answer.location).send(JSON.parse(answer.body));
  });

  app.get('/api/v2/bookings', { schema: listSchema }, async (request) => {
    const userId = requireUser(request);
    const limit = request.query.limit ?? 20;
    const before = request.query.after === undefined ? undefined : readCursor(request.query.after);
    const rows = await listBookingsBefore(db, userId, { before, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      bookings: page.map(present),
      next: rows.length > limit && last !== undefined ? writeCursor(last.id) : null,
    };
  });

  app.get('/api/v2/bookings/:bookingId', { schema: oneSchema }, async (request) => {
    const userId = requireUser(request);
    const booking = await findBooking(db, request.params.bookingId);
    const mayRead = booking?.user_id === userId || request.caller.role === 'admin';
    if (booking === undefined || !mayRead) throw bookingNotFound(request.params.bookingId);
    return present(booking);
  });

  app.post('/api/v2/bookings/:bookingId/cancel', { schema: cancelSchema }, async (request) => {
    const userId = requireUser(request);
    const { bookingId } = request.params;
    const result = await bookings.cancel(bookingId, userId, request.traceparent);
    switch (result.outcome) {
      case 'cancelled':
        return present(result.booking);
      case 'not_found':
        throw bookingNotFound(bookingId);
      case 'already_cancelled':
        throw new ProblemError('already_cancelled', {
          status: 409,
          detail: 'The booking is cancelled already.',
        });
      case 'expired':
        throw new ProblemError('booking_expired', { status: 409, detail: 'The booking has expired.' });
    }
  });

  app.post('/api/v2/bookings/:bookingId/payment', { schema: paymentSchema }, async (request) => {
    const userId = requireUser(request);
    const { bookingId } = request.params;
    const result = await commits.submit((tx) => pay(tx, { bookingId, userId }, Date.now()));
    switch (result.outcome) {
      case 'paid':
        return present(result.booking);
      case 'not_found':
        throw bookingNotFound(bookingId);
      case 'not_pending':
        throw new ProblemError('booking_not_pending', {
          status: 409,
          detail: 'Only a pending booking can be paid.',
        });
    }
  });
}

function requireUser(request: FastifyRequest): number {
  if (request.caller.userId !== undefined) return request.caller.userId;
  throw new ProblemError('login_required', {
    status: 401,
    detail: 'Only users who are logged in have bookings.',
  });
}

function answerOf(outcome: BookOutcome): Answer {
  switch (outcome.outcome) {
    case 'booked':
    case 'replayed':
      return outcome.answer;
    case 'item_not_found':
      throw new ProblemError('event_not_found', { status: 404, detail: 'There is no such event.' });
    case 'not_on_sale':
      throw new ProblemError('not_on_sale', { status: 409, detail: 'The event is not on sale.' });
    case 'insufficient_stock':
      throw new ProblemError('insufficient_stock', {
        status: 409,
        detail: `Only ${outcome.remaining} tickets are left.`,
        members: { remaining: outcome.remaining },
      });
    case 'key_in_progress':
      throw new ProblemError('idempotency_key_in_progress', {
        status: 409,
        detail: 'A request with this Idempotency-Key is in progress.',
        hint: 'Repeat it later to get its answer.',
        retryAfterSeconds: 1,
      });
    case 'key_reused':
      throw new ProblemError('idempotency_key_reused', {
        status: 422,
        detail: 'This Idempotency-Key was used for another request.',
        hint: 'Use a fresh key for each request, and the same one only to repeat it.',
      });
  }
}

function bookingNotFound(bookingId: number): ProblemError {
  return new ProblemError('booking_not_found', { status: 404, detail: `You have no booking ${bookingId}.` });
}

function writeCursor(id: number): string {
  return Buffer.from(`b${id}`).toString('base64url');
}

function readCursor(cursor: string): number {
  const match = /^b(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match !== null) return Number(match[1]);
  throw new ProblemError('invalid_cursor', {
    status: 400,
    detail: '`after` is not a cursor of this list.',
    hint: 'Send `next` of the page before, as it is.',
  });
}

function present(booking: Booking): Static<typeof BookingBody> {
  return {
    id: booking.id,
    eventId: booking.event_id,
    userId: booking.user_id,
    quantity: booking.quantity,
    unitPrice: { amountCents: booking.unit_price_cents, currency: 'USD' },
    total: { amountCents: booking.total_cents, currency: 'USD' },
    state: booking.state,
    createdAt: new Date(booking.created_at).toISOString(),
    expiresAt: iso(booking.expires_at),
    paidAt: iso(booking.paid_at),
    cancelledAt: iso(booking.cancelled_at),
  };
}

function iso(epochMs: number | null): string | null {
  return epochMs === null ? null : new Date(epochMs).toISOString();
}

const Money = Type.Object({ amountCents: Type.Integer(), currency: Type.Literal('USD') });
const NullableTime = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);

const BookingBody = Type.Object({
  id: Type.Integer(),
  eventId: Type.Integer(),
  userId: Type.Integer(),
  quantity: Type.Integer(),
  unitPrice: Money,
  total: Money,
  state: Type.String({ description: 'pending, paid, cancelled or expired' }),
  createdAt: Type.String({ format: 'date-time' }),
  expiresAt: NullableTime,
  paidAt: NullableTime,
  cancelledAt: NullableTime,
});

const tags = ['bookings'];
const params = Type.Object({ bookingId: Type.Integer({ minimum: 0 }) });
const unavailable = problem('inventory_unavailable, overloaded, store_unavailable, commit_outcome_unknown');

const bookSchema = {
  summary: 'Book tickets.',
  description: 'Answered when the booking is durable. Safe to repeat with an Idempotency-Key, for 24 h.',
  tags,
  headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String({ pattern: keyPattern })) }),
  body: Type.Object(
    {
      eventId: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
      quantity: Type.Integer({ minimum: 1, maximum: 10 }),
    },
    { additionalProperties: false },
  ),
  response: {
    201: BookingBody,
    400: problem('invalid_input, malformed_json'),
    401: problem('login_required'),
    404: problem('event_not_found'),
    409: problem('not_on_sale, insufficient_stock (with `remaining`), idempotency_key_in_progress'),
    422: problem('idempotency_key_reused'),
    503: unavailable,
  },
};

const listSchema = {
  summary: "The user's own bookings, newest first, a page at a time.",
  tags,
  querystring: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Default 20.' })),
    after: Type.Optional(Type.String({ maxLength: 64, description: '`next` of the page before.' })),
  }),
  response: {
    200: Type.Object({
      bookings: Type.Array(BookingBody),
      next: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page.' }),
    }),
    400: problem('invalid_input, invalid_cursor'),
    401: problem('login_required'),
  },
};

const oneSchema = {
  summary: "One of the user's own bookings; any, for administrators.",
  tags,
  params,
  response: { 200: BookingBody, 401: problem('login_required'), 404: problem('booking_not_found') },
};

const changed = {
  200: BookingBody,
  401: problem('login_required'),
  404: problem('booking_not_found'),
  503: unavailable,
};

const cancelSchema = {
  summary: "Cancel one of the user's own bookings; its tickets go back on sale.",
  tags,
  params,
  response: { ...changed, 409: problem('already_cancelled, booking_expired') },
};

const paymentSchema = {
  summary: "Mark one of the user's own pending bookings as paid.",
  tags,
  params,
  response: { ...changed, 409: problem('booking_not_pending') },
};
