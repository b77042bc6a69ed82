import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import type { KeyGuard } from './idempotency.ts';
import { type Cancellation, cancel } from './records.ts';
import type { BookingRequest, Saga, SagaOutcome } from './saga.ts';
import type { StockReturns } from './stock-returns.ts';

/** How a request for a booking ends on either API. */
export type BookOutcome =
  | Exclude<SagaOutcome, { outcome: 'key_taken' }>
  | { outcome: 'replayed'; answer: Extract<SagaOutcome, { outcome: 'booked' }>['answer'] }
  | { outcome: 'key_in_progress' }
  | { outcome: 'key_reused' };

/** What both APIs do with bookings, apart from how they read and write it. */
export interface Bookings {
  book(request: BookingRequest): Promise<BookOutcome>;
  /** The tickets are back in the stock when it answers, unless inventory is slow or away: then soon. */
  cancel(bookingId: number, userId: number, traceparent: string): Promise<Cancellation>;
}

/** Ties saga, idempotency and stock returns together. */
export function createBookings(needs: {
  commits: GroupCommit;
  saga: Saga;
  keys: KeyGuard;
  returns: StockReturns;
}): Bookings {
  const { commits, saga, keys, returns } = needs;

  async function bookOnce(request: BookingRequest): Promise<BookOutcome> {
    const booked = await saga.book(request);
    return booked.outcome === 'key_taken' ? { outcome: 'key_in_progress' } : booked;
  }

  return {
    async book(request) {
      if (request.idempotency === undefined) return bookOnce(request);
      const guarded = await keys.guard({ userId: request.userId, ...request.idempotency }, () =>
        bookOnce(request),
      );
      switch (guarded.verdict) {
        case 'new':
          return guarded.result;
        case 'replay':
          return { outcome: 'replayed', answer: guarded.answer };
        case 'in_progress':
          return { outcome: 'key_in_progress' };
        case 'reused':
          return { outcome: 'key_reused' };
      }
    },

    async cancel(bookingId, userId, traceparent) {
      const cancelled = await commits.submit((tx) => cancel(tx, { bookingId, userId }, Date.now()));
      if (cancelled.outcome === 'cancelled') await returns.deliverSoon(cancelled.owed, traceparent);
      return cancelled;
    },
  };
}
