import { int, isText } from '../input.ts';
import { type EventChanges, eventStatuses, type Venue } from './events.ts';

/** Reads the admin's form for an event; the first wrong field is named. */
export function readEventForm(
  body: Record<string, unknown>,
  venues: readonly Venue[],
): { changes: EventChanges } | { invalid: string } {
  const title = filledText(body.title, 200);
  if (title === undefined) return { invalid: 'title' };
  if (!isText(body.description, 10_000)) return { invalid: 'description' };
  const category = filledText(body.category, 50);
  if (category === undefined) return { invalid: 'category' };
  const venue = venues.find(({ id }) => id === int(body.venue_id));
  if (venue === undefined) return { invalid: 'venue_id' };
  const startsAt = time(body.starts_at);
  if (startsAt === undefined) return { invalid: 'starts_at' };
  const priceCents = cents(body.price);
  if (priceCents === undefined) return { invalid: 'price' };
  const status = eventStatuses.find((known) => known === body.status);
  if (status === undefined) return { invalid: 'status' };
  return {
    changes: {
      title,
      description: body.description,
      category,
      venue_id: venue.id,
      starts_at: startsAt,
      price_cents: priceCents,
      status,
    },
  };
}

function filledText(value: unknown, max: number): string | undefined {
  return isText(value, max) && value.trim() !== '' ? value.trim() : undefined;
}

/** '2026-12-24 20:00:00' or what a browser's datetime field sends, '2026-12-24T20:00'; it must exist. */
function time(value: unknown): string | undefined {
  const match = isText(value, 20) ? /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)?$/.exec(value) : null;
  if (match === null) return undefined;
  const text = `${match[1]}T${match[2]}${match[3] ?? ':00'}`;
  const parsed = new Date(`${text}.000Z`);
  // 31 February becomes a day in March, or no date at all.
  const exists = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
  return exists ? text.replace('T', ' ') : undefined;
}

/** '49.50', '49.5' or '49' to cents, up to 99999.99. */
function cents(value: unknown): number | undefined {
  const match = isText(value, 20) ? /^(\d{1,5})(?:\.(\d{1,2}))?$/.exec(value.trim()) : null;
  return match === null ? undefined : Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
}
