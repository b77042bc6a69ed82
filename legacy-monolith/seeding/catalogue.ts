import type { Event, Venue } from '../models/events.ts';
import type { Calendar } from './calendar.ts';
import { createRandom, type Random } from './random.ts';
import { acts, categories, cities, descriptions, occasions, slugify, venueNames } from './words.ts';

type EventKind = 'plain' | 'sold out' | 'draft' | 'nearly sold out' | 'past' | 'cancelled' | 'deleted';

export type PlannedEvent = Event & { kind: EventKind };

/** By id, so that the first ten events show every kind at any scale. Most are plain: in the future, on sale. */
function kindOf(id: number): EventKind {
  if (id % 20 === 3) return 'sold out';
  if (id % 20 === 4) return 'draft';
  if (id % 20 === 5) return 'nearly sold out';
  if (id % 100 === 6) return 'past'; // few: nobody takes them off sale, so they lead the catalogue
  if (id % 20 === 7) return 'cancelled';
  if (id % 20 === 8) return 'deleted';
  return 'plain';
}

export function makeVenues(count: number): Venue[] {
  const random = createRandom('venues');
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    name: random.pick(venueNames),
    city: random.pick(cities),
    capacity: 5_000 + 500 * random.int(0, 30),
  }));
}

/** Events with all their tickets in stock; the bookings take theirs later. */
export function makeEvents(count: number, venues: readonly Venue[], calendar: Calendar): PlannedEvent[] {
  const random = createRandom('events');
  return Array.from({ length: count }, (_, index) => makeEvent(index + 1, random, venues, calendar));
}

function makeEvent(id: number, random: Random, venues: readonly Venue[], calendar: Calendar): PlannedEvent {
  const kind = kindOf(id);
  const title = `${random.pick(acts)} \u2013 ${random.pick(occasions)}`;
  const created = random.int(-400, -130);
  const created_at = calendar.at(created, random.int(480, 1_080));
  const updated_at = random.chance(0.4)
    ? created_at
    : calendar.at(random.int(created + 1, -1), random.int(480, 1_080));
  const startDay = kind === 'past' ? random.int(-60, -5) : random.int(3, 300);
  const tickets = id === 1 ? 5_000 : random.pick([500, 800, 1_200, 2_000]);
  return {
    kind,
    id,
    title,
    slug: `${slugify(title)}-${id}`,
    description: random.pick(descriptions),
    category: random.pick(categories),
    venue_id: random.pick(venues).id,
    starts_at: calendar.at(startDay, random.pick([900, 1_080, 1_140, 1_170, 1_200])),
    price_cents: random.pick([0, 500, 995, 1_450, 2_000, 3_333, 4_950, 7_900, 12_000]),
    stock: tickets,
    total_stock: tickets,
    status: kind === 'draft' || kind === 'cancelled' ? kind : 'on_sale',
    created_at,
    updated_at,
    deleted_at: kind === 'deleted' ? calendar.at(random.int(-100, -2), random.int(0, 1_439)) : null,
  };
}
