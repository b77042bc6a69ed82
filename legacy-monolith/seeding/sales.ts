import type { Booking } from '../models/bookings.ts';
import type { Calendar } from './calendar.ts';
import type { PlannedEvent } from './catalogue.ts';
import { createRandom, type Random } from './random.ts';

/** Bookings were made over this many days before the base date, oldest first. */
const DAYS = 120;
const DAY_MINUTES = 1_440;
/** The newest bookings are unpaid and belong to the known logins user2 and user3. */
const NEWEST = 6;
/** The oldest share came over from the box office's ledger, which knew no time to pay. */
const LEDGER_SHARE = 0.05;
const NEARLY_SOLD_OUT = 3;

/** Makes bookings and takes their tickets off the events' stock, which never falls below 0. */
export function makeBookings(
  count: number,
  users: number,
  events: readonly PlannedEvent[],
  calendar: Calendar,
): Booking[] {
  const random = createRandom('bookings');
  const sold = events.filter((event) => event.kind !== 'draft');
  const bookings: Booking[] = [];
  for (let index = 0; index < count && sold.length > 0; index++) {
    const minutesAgo = Math.ceil((DAYS * DAY_MINUTES * (count - index)) / count);
    const created_at = calendar.at(0, -minutesAgo);
    const newest = index >= count - NEWEST;
    const event = pickEvent(sold, random, newest, created_at);
    const num_tickets = random.pick([1, 1, 2, 2, 2, 2, 3, 4, 4, 6]);
    const status = pickStatus(random, {
      newest,
      lastDay: minutesAgo < DAY_MINUTES,
      left: event.stock - num_tickets,
    });
    if (status === 'paid' || status === 'pending') event.stock -= num_tickets;
    const acted = calendar.at(0, -Math.max(minutesAgo - random.int(1, 1_400), 1));
    bookings.push({
      id: index + 1,
      user_id: newest ? 2 + (index % 2) : random.int(2, users),
      event_id: event.id,
      num_tickets,
      unit_price_cents: event.price_cents,
      total_cents: event.price_cents * num_tickets,
      status,
      created_at,
      expires_at: index < count * LEDGER_SHARE ? null : calendar.at(1, -minutesAgo),
      paid_at: status === 'paid' ? acted : null,
      cancelled_at: status === 'cancelled' ? acted : null,
    });
  }
  for (const event of sold) shrinkTo(event);
  return bookings;
}

function pickEvent(
  events: readonly PlannedEvent[],
  random: Random,
  newest: boolean,
  time: string,
): PlannedEvent {
  const event = random.pick(events);
  const open = newest ? event.kind === 'plain' : event.starts_at > time;
  return open ? event : events[0]!; // event 1 is plain
}

function pickStatus(
  random: Random,
  { newest, lastDay, left }: { newest: boolean; lastDay: boolean; left: number },
): Booking['status'] {
  if (left < 0) return 'cancelled';
  if (newest) return 'pending';
  // Whoever booked in the last day still has time to pay; before that, unpaid bookings have expired.
  if (random.chance(0.1)) return lastDay ? 'pending' : 'expired';
  return random.chance(0.12) ? 'cancelled' : 'paid';
}

/** A sold-out event had just as many tickets as were sold. */
function shrinkTo(event: PlannedEvent): void {
  if (event.kind !== 'sold out' && event.kind !== 'nearly sold out') return;
  const left = event.kind === 'sold out' ? 0 : NEARLY_SOLD_OUT;
  event.total_stock -= event.stock - Math.min(left, event.stock);
  event.stock = Math.min(left, event.stock);
}
