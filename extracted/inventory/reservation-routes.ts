import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import { ProblemError, problem } from '@ticketnow/service-kit/problem';
import type { Service } from '@ticketnow/service-kit/service';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { confirm, release, reserve } from './reservations.ts';
import { acceptReturn } from './stock.ts';

/** Reservations and returns: only booking may call them. Every one of them can be repeated safely by its id. */
export async function addReservationRoutes(parent: Service, commits: GroupCommit): Promise<void> {
  await parent.register(async (scope: Service) => {
    scope.addHook('preHandler', requireBooking);

    scope.put('/api/v2/reservations/:reservationId', { schema: reserveSchema }, async (request, reply) => {
      const wanted = { ...request.params, ...request.body };
      const result = orThrow(
        await commits.submit((tx) => reserve(tx, wanted, Date.now()), { lockKey: wanted.itemId }),
      );
      return reply.code(result.created ? 201 : 200).send({
        reservationId: wanted.reservationId,
        itemId: wanted.itemId,
        quantity: wanted.quantity,
        state: result.state,
        unitPriceCents: result.unitPriceCents,
        expiresAt: new Date(result.expiresAt).toISOString(),
      });
    });

    scope.post('/api/v2/reservations/:reservationId/confirm', { schema: confirmSchema }, async (request) => {
      const { reservationId } = request.params;
      const state = orThrow(await commits.submit((tx) => confirm(tx, reservationId, Date.now())));
      return { reservationId, state };
    });

    scope.post('/api/v2/reservations/:reservationId/release', { schema: releaseSchema }, async (request) => {
      const { reservationId } = request.params;
      const state = orThrow(await commits.submit((tx) => release(tx, reservationId, Date.now())));
      return { reservationId, state };
    });

    scope.put('/api/v2/returns/:returnId', { schema: returnSchema }, async (request, reply) => {
      const given = { ...request.params, ...request.body };
      const result = orThrow(
        await commits.submit((tx) => acceptReturn(tx, given, Date.now()), { lockKey: given.itemId }),
      );
      return reply.code(result === 'created' ? 201 : 200).send(given);
    });
  });
}

async function requireBooking(request: FastifyRequest): Promise<void> {
  if (request.caller.issuer === 'booking') return;
  throw new ProblemError('caller_not_allowed', {
    status: 403,
    detail: 'Only the booking service may reserve and return tickets.',
    hint: 'Book through POST /api/v2/bookings.',
  });
}

function orThrow<Result>(result: Result | ProblemError): Result {
  if (result instanceof ProblemError) throw result;
  return result;
}

const id = Type.String({ format: 'uuid' });
const quantity = Type.Integer({ minimum: 1, maximum: 1000 });
const itemId = Type.Integer({ minimum: 0, maximum: 2_147_483_647 });
const reservationParams = Type.Object({ reservationId: id });
const forbidden = problem('caller_not_allowed');
const tags = ['reservations (booking only)'];

const ReservationBody = Type.Object({
  reservationId: id,
  itemId,
  quantity,
  state: Type.String({ description: 'held, or confirmed when repeated after the confirmation' }),
  unitPriceCents: Type.Integer(),
  expiresAt: Type.String({ format: 'date-time' }),
});

const reserveSchema = {
  summary: 'Take tickets out of the stock and hold them.',
  tags,
  params: reservationParams,
  body: Type.Object(
    { itemId, quantity, holdSeconds: Type.Integer({ minimum: 1, maximum: 600 }) },
    { additionalProperties: false },
  ),
  response: {
    200: ReservationBody,
    201: ReservationBody,
    400: problem('invalid_input, malformed_json'),
    403: forbidden,
    404: problem('item_not_found'),
    409: problem(
      'not_on_sale, insufficient_stock (with `remaining`), reservation_closed, reservation_conflict',
    ),
    503: problem('overloaded, store_unavailable'),
  },
};

const confirmSchema = {
  summary: 'Make a held reservation final.',
  tags,
  params: reservationParams,
  response: {
    200: Type.Object({ reservationId: id, state: Type.Literal('confirmed') }),
    403: forbidden,
    409: problem('reservation_closed'),
    503: problem('overloaded, store_unavailable'),
  },
};

const releaseSchema = {
  summary: 'End a reservation that was not confirmed. An unknown one can no longer be made.',
  tags,
  params: reservationParams,
  response: {
    200: Type.Object({ reservationId: id, state: Type.Literal('released') }),
    403: forbidden,
    409: problem('reservation_confirmed'),
    503: problem('overloaded, store_unavailable'),
  },
};

const ReturnBody = Type.Object({ returnId: id, itemId, quantity });

const returnSchema = {
  summary: 'Give tickets of a cancelled or expired booking back.',
  tags,
  params: Type.Object({ returnId: id }),
  body: Type.Object({ itemId, quantity }, { additionalProperties: false }),
  response: {
    200: ReturnBody,
    201: ReturnBody,
    400: problem('invalid_input, malformed_json'),
    403: forbidden,
    404: problem('item_not_found'),
    409: problem('return_conflict'),
    503: problem('overloaded, store_unavailable'),
  },
};
