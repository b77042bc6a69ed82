import Type from 'typebox';

// What the legacy paths take and give, for OpenAPI. They refuse nothing themselves: the monolith's own checks do.

const text = (description: string) => Type.String({ description });
const nullableIso = Type.Union([Type.String(), Type.Null()]);
const Failure = Type.Object({ error: Type.String() });
const LoginRequired = Type.Object({ error: Type.Literal('login required') });
const tags = ['legacy'];
const params = Type.Object({ id: text("Read as parseInt does: '12abc' is 12.") });

/** POST /api/bookings */
export const bookSchema = {
  summary: 'Book tickets.',
  description:
    'Refusals with status 200: `event is not on sale`; `not enough tickets`, with `remaining`. Only this service answers 503 `temporarily unavailable` (inventory or store away), and 409 and 422 for Idempotency-Key.',
  tags,
  headers: Type.Object({
    'idempotency-key': Type.Optional(text('1 to 255 visible ASCII characters; kept for 24 h.')),
  }),
  body: Type.Object({
    event_id: Type.Union([Type.Integer(), Type.String()]),
    num_tickets: Type.Union([Type.Integer(), Type.String()], { description: '1 to 10' }),
  }),
  response: {
    200: Type.Object({ error: Type.String(), remaining: Type.Optional(Type.Integer()) }),
    201: Type.Object({
      id: Type.Integer(),
      event_id: Type.Integer(),
      user_id: Type.Integer(),
      num_tickets: Type.Integer(),
      total: text('Decimal, such as 99.00'),
      status: Type.String(),
      created_at: Type.String(),
      expires_at: nullableIso,
    }),
    400: Failure,
    401: LoginRequired,
    404: Failure,
    409: Failure,
    413: Failure,
    422: Failure,
    503: Failure,
  },
};

/** GET /api/bookings */
export const listSchema = {
  summary: "The user's own bookings, newest first.",
  tags,
  querystring: Type.Object({
    page: Type.Optional(text('Default 1.')),
    per_page: Type.Optional(text('Default 20, at most 100.')),
  }),
  response: {
    200: Type.Object({
      bookings: Type.Array(
        Type.Object({
          id: Type.Integer(),
          event_id: Type.Integer(),
          num_tickets: Type.Integer(),
          total_cents: Type.Integer(),
          status: Type.String(),
          created_at: Type.String(),
        }),
      ),
      page: Type.Integer(),
      per_page: Type.Integer(),
      total: Type.Integer(),
    }),
    401: LoginRequired,
  },
};

/** GET /api/bookings/:id */
export const oneSchema = {
  summary: "One of the user's own bookings; any, for administrators.",
  tags,
  params,
  response: {
    200: Type.Object({
      id: Type.Integer(),
      event_id: Type.Integer(),
      user_id: Type.Integer(),
      num_tickets: Type.Integer(),
      unit_price_cents: Type.Integer(),
      total_cents: Type.Integer(),
      status: Type.String(),
      created_at: Type.String(),
      expires_at: nullableIso,
      paid_at: nullableIso,
      cancelled_at: nullableIso,
    }),
    401: LoginRequired,
    404: Failure,
  },
};

/** POST /api/bookings/:id/cancel */
export const cancelSchema = {
  summary: "Cancel one of the user's own bookings.",
  description: 'Refusals with status 200: `already cancelled`, `booking has expired`.',
  tags,
  params,
  response: {
    200: Type.Object({
      ok: Type.Optional(Type.Boolean()),
      id: Type.Optional(Type.Integer()),
      status: Type.Optional(Type.String()),
      error: Type.Optional(Type.String()),
    }),
    401: LoginRequired,
    404: Failure,
    503: Failure,
  },
};

/** POST /account/bookings/:id/pay */
export const paySchema = {
  summary: "Mark one of the user's own pending bookings as paid.",
  tags,
  params,
  response: { 302: { description: 'Location: /account?paid=:id, /account?error=booking or /login' } },
};
