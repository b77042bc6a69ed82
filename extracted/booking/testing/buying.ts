import { expect } from 'vitest';
import { readItem, reserved } from '../../inventory/testing/items.ts';
import { callerOf, type Reply } from '../../service-kit/testing/caller.ts';
import { readBooks } from './start-booking.ts';

const anna = { userId: 1, role: 'customer' as const };

/** Books one ticket with an Idempotency-Key; undefined when the connection broke. */
export function bookOnce(service: { url: string }, eventId: number, key: string): Promise<Reply | undefined> {
  return callerOf(service, 'booking')('POST', '/api/bookings', {
    as: anna,
    json: { event_id: eventId, num_tickets: 1 },
    headers: { 'idempotency-key': key },
  }).catch(() => undefined);
}

/** As a client does that must have it: repeats with the same key until it is booked. */
export async function bookUntilAnswered(
  service: { url: string },
  eventId: number,
  key: string,
): Promise<Reply> {
  let reply: Reply | undefined;
  await expect
    .poll(
      async () => {
        reply = await bookOnce(service, eventId, key);
        return reply?.status;
      },
      { timeout: 10_000, interval: 100 },
    )
    .toBe(201);
  return reply as Reply;
}

/** Ten clients, one after another each, until all keys have their answer. */
export async function bookAll(service: { url: string }, eventId: number, keys: string[]): Promise<void> {
  const waiting = [...keys];
  const client = async () => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      await bookUntilAnswered(service, eventId, key);
    }
  };
  await Promise.all(Array.from({ length: 10 }, client));
}

/**
 * Waits until nothing is in the making, and proves that sold + stock is what there was and that every booking
 * has its confirmed reservation. Answers how many tickets are sold.
 */
export async function settled(stores: {
  stockUrl: string;
  booksUrl: string;
  eventId: number;
  initial: number;
}): Promise<number> {
  const { stockUrl, booksUrl, eventId, initial } = stores;
  await expect
    .poll(
      async () => {
        const { sold, confirming, owed } = await readBooks(booksUrl, eventId);
        const left = (await readItem(stockUrl, eventId)).stock;
        return {
          confirming,
          held: await reserved(stockUrl, eventId, 'held'),
          owed,
          unaccounted: initial - left - sold,
          unreserved: sold - (await reserved(stockUrl, eventId, 'confirmed')),
        };
      },
      { timeout: 10_000 },
    )
    .toEqual({ confirming: 0, held: 0, owed: 0, unaccounted: 0, unreserved: 0 });
  return (await readBooks(booksUrl, eventId)).sold;
}
