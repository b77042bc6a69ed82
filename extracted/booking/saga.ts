import { randomUUID } from 'node:crypto';
import { type GroupCommit, OverloadedError } from '@ticketnow/service-kit/group-commit';
import type { FastifyBaseLogger } from 'fastify';
import type { Call, InventoryClient, ReserveRefusal } from './inventory-client.ts';
import { InventoryUnavailableError } from './inventory-policy.ts';
import { insertConfirming, insertKey, markPending, removeConfirming } from './records.ts';
import type { Booking, IdempotencyKeyRow } from './schema.ts';

/*
 * The booking saga. Two stores that share no transaction: inventory's (stock, reservations) and booking's.
 * Inventory's reservation is the arbiter: it is confirmed or closed, once and for good, so every question about
 * an unfinished booking is settled by asking for its release. Nothing is ever concluded from a lost answer.
 *
 * 1. PUT the reservation under a fresh id: inventory takes the tickets out of the stock and holds them 30 s.
 *    A crash, or an answer that is lost, leaves at most a hold. It runs out, and the tickets are back.
 *    After a lost answer we also release it at once; if the release overtakes the reservation it leaves a
 *    tombstone, so the late reservation is refused.
 * 2. Commit the booking as 'confirming' with the reservation's id, and with it the idempotency key and the answer
 *    that key will stand for. Nobody sees the booking yet.
 *    A crash after it leaves a 'confirming' row and a hold; recovery (recovery.ts) releases and removes both.
 *    A repeat with the same key meanwhile gets 409: it cannot book again while the outcome is open.
 * 3. Confirm at inventory. From here on the tickets are sold.
 *    A crash after it leaves a 'confirming' row and a confirmed reservation: recovery's release is answered
 *    'confirmed', so the booking stands and becomes 'pending'.
 *    An answer that is lost says nothing. We ask for the release: 'released' means that the confirmation did
 *    not and never will happen, and we remove the row; 'confirmed' means that it did, and we go on. If that
 *    answer is lost too, the row stays and recovery settles it; the client is told 503, and may find the
 *    booking later. With an Idempotency-Key its repeat gets the one true answer.
 *    'closed' means that the hold ran out first (or recovery took over): the row is removed.
 * 4. Commit 'pending', then answer. The answer goes out after that commit, so what a client was told is durable.
 *    A crash after the commit and before the answer: a repeat with the key gets the stored answer.
 *
 * Recovery and a slow request may meet on one row. Both only ever act on inventory's verdict, which is the same
 * for both; 'confirming' -> 'pending' and the removal are conditional on 'confirming', so either may come twice.
 */

/** What is sent to a client, and stored with its key. */
export interface Answer {
  status: number;
  location: string;
  body: string;
}

/** A checked request for a booking. */
export interface BookingRequest {
  userId: number;
  eventId: number;
  /** 1..10 */
  quantity: number;
  idempotency: { key: string; requestHash: string } | undefined;
  /** Makes the answer; called once, with the booking as it will be seen ('pending'). */
  answer(booking: Booking): Answer;
  traceparent: string;
}

/** How a request for a booking ends, unless it throws. */
export type SagaOutcome = { outcome: 'booked'; answer: Answer } | { outcome: 'key_taken' } | ReserveRefusal;

/** Times and bounds of the saga. */
export interface SagaSettings {
  /** How long inventory holds the tickets without a confirmation. Default 30 s. */
  holdSeconds?: number;
  /** For steps 1 to 3 together, retries included. Default 5000 ms. */
  budgetMs?: number;
  /** After how long recovery may take a booking over. More than the budget. Default 10000 ms. */
  recoverAfterMs?: number;
  /** Most bookings in the making at once; one more is refused. Default 1000. */
  maxInFlight?: number;
}

/** Makes bookings. */
export interface Saga {
  book(request: BookingRequest): Promise<SagaOutcome>;
  /** Whether a request of this process is at work on a 'confirming' booking. */
  isHandling(bookingId: number): boolean;
}

/** Ties the saga to the store and to inventory. */
export function createSaga(
  commits: GroupCommit,
  inventory: InventoryClient,
  log: FastifyBaseLogger,
  settings: SagaSettings = {},
): Saga {
  const holdSeconds = settings.holdSeconds ?? 30;
  const budgetMs = settings.budgetMs ?? 5000;
  const recoverAfterMs = settings.recoverAfterMs ?? 10_000;
  const maxInFlight = settings.maxInFlight ?? 1000;
  const handling = new Set<number>();
  let inFlight = 0;

  async function book(request: BookingRequest): Promise<SagaOutcome> {
    const reservationId = randomUUID();
    const call = { traceparent: request.traceparent, budget: AbortSignal.timeout(budgetMs) };

    // 1. Reserve.
    const held = await reserve(reservationId, request, call);
    if (held.outcome !== 'held') return held;

    // 2. Record.
    const recorded = await record(reservationId, request, held.unitPriceCents);
    if (recorded === undefined) return { outcome: 'key_taken' };
    handling.add(recorded.bookingId);
    try {
      // 3. Confirm.
      if ((await confirm(reservationId, call)) === 'closed') {
        await commits.submit((tx) => removeConfirming(tx, recorded.bookingId));
        throw new InventoryUnavailableError('the hold was closed before its confirmation');
      }
      // 4. Settle.
      await commits.submit((tx) => markPending(tx, recorded.bookingId));
      return { outcome: 'booked', answer: recorded.answer };
    } finally {
      handling.delete(recorded.bookingId);
    }
  }

  async function reserve(reservationId: string, request: BookingRequest, call: Call) {
    try {
      const wanted = { itemId: request.eventId, quantity: request.quantity, holdSeconds };
      return await inventory.reserve(reservationId, wanted, call);
    } catch (error) {
      await releaseIfPossible(reservationId, request.traceparent);
      throw error;
    }
  }

  async function record(reservationId: string, request: BookingRequest, unitPriceCents: number) {
    const held = { ...request, unitPriceCents, reservationId, sagaDeadline: Date.now() + recoverAfterMs };
    let recorded: { bookingId: number; answer: Answer } | undefined;
    try {
      recorded = await commits.submit(async (tx) => {
        const now = Date.now();
        const booking = await insertConfirming(tx, held, now);
        const answer = request.answer({ ...booking, state: 'pending' });
        const key = keyRow(request, booking.id, answer, now);
        if (key !== undefined && !(await insertKey(tx, key))) {
          // Another instance recorded this key since we looked.
          await removeConfirming(tx, booking.id);
          return undefined;
        }
        return { bookingId: booking.id, answer };
      });
    } catch (error) {
      // Whether or not the row was committed: a released reservation can only end in its removal.
      await releaseIfPossible(reservationId, request.traceparent);
      throw error;
    }
    if (recorded === undefined) await releaseIfPossible(reservationId, request.traceparent);
    return recorded;
  }

  async function confirm(reservationId: string, call: Call): Promise<'confirmed' | 'closed'> {
    try {
      return await inventory.confirm(reservationId, call);
    } catch (error) {
      log.warn({ err: error, reservationId }, 'outcome of a confirmation is unknown; asking for its release');
      const verdict = await inventory.release(reservationId, {
        traceparent: call.traceparent,
        budget: AbortSignal.timeout(2000),
      });
      return verdict === 'confirmed' ? 'confirmed' : 'closed';
    }
  }

  /** Spares the tickets the wait for the end of the hold; nothing depends on it. */
  async function releaseIfPossible(reservationId: string, traceparent: string): Promise<void> {
    try {
      await inventory.release(reservationId, { traceparent, budget: AbortSignal.timeout(1000) });
    } catch (error) {
      log.warn({ err: error, reservationId }, 'could not release a reservation; its hold runs out by itself');
    }
  }

  return {
    isHandling: (bookingId) => handling.has(bookingId),
    async book(request) {
      if (inFlight >= maxInFlight) throw new OverloadedError('Too many bookings are being made at once.');
      inFlight += 1;
      try {
        return await book(request);
      } finally {
        inFlight -= 1;
      }
    },
  };
}

function keyRow(
  request: BookingRequest,
  bookingId: number,
  answer: Answer,
  now: number,
): IdempotencyKeyRow | undefined {
  if (request.idempotency === undefined) return undefined;
  return {
    user_id: request.userId,
    key: request.idempotency.key,
    request_hash: request.idempotency.requestHash,
    booking_id: bookingId,
    ...answer,
    created_at: now,
  };
}
