import { randomUUID } from 'node:crypto';
import { goesTo, routeWhen } from '../facade-admin.ts';
import type { Stage } from '../story.ts';

/** Bookings and restocking both write the stock: in TicketNow's terms, inventory and booking move together. */
const bookings = ['booking-list', 'booking-read', 'booking-write', 'booking-cancel', 'booking-pay'];

export async function chapterBooking(stage: Stage): Promise<void> {
  const { system, routes, narrator, customer } = stage;
  narrator.chapter('Cut booking over, and with it every write of the stock');
  narrator.say('A booking takes stock, so the routes that write either move in the same edit:');
  narrator.show(`routes.yaml, routes ${bookings.join(', ')}: "to: booking"`);
  narrator.show('routes.yaml, route inventory-restock: "to: inventory"');
  await routes.edit([
    ...bookings.map((route) => ({ route, key: 'to' as const, value: 'booking' })),
    { route: 'inventory-restock', key: 'to', value: 'inventory' },
  ]);
  for (const route of bookings) await routeWhen(system, route, goesTo('booking'));
  await routeWhen(system, 'inventory-restock', goesTo('inventory'));

  const event = await eventOnSale(stage);
  const key = { 'idempotency-key': randomUUID() };
  const order = { event_id: event, num_tickets: 2 };
  const stockBefore = await stockOf(stage, event);
  const first = await customer.send('POST', '/api/bookings', order, key);
  const second = await customer.send('POST', '/api/bookings', order, key);
  const stockAfter = await stockOf(stage, event);
  narrator.table([
    ['request', 'status', 'served by', 'booking', 'stock'],
    ['', '', '', '', String(stockBefore)],
    ['POST /api/bookings', String(first.status), first.servedBy, String(first.json.id), String(stockAfter)],
    [
      'the same again, same Idempotency-Key',
      String(second.status),
      second.servedBy,
      String(second.json.id),
      '',
    ],
  ]);
  narrator.check(first.status === 201 && first.servedBy === 'booking', 'booked at the service');
  narrator.check(
    first.json.id === second.json.id && stockAfter === stockBefore - 2,
    'sent twice, booked once',
  );

  const cancelled = await customer.send('POST', `/api/bookings/${String(first.json.id)}/cancel`);
  const stockAgain = await stockOf(stage, event);
  narrator.check(
    cancelled.json.ok === true && stockAgain === stockBefore,
    `cancelled: the stock is ${stockAgain} again`,
  );
  await sellOut(stage, event, stockBefore);
  const account = await customer.page('/account');
  const unknown = !account.includes(`/account/bookings/${String(first.json.id)}/`);
  narrator.check(
    unknown,
    'the monolith’s own account page does not know that booking: it reads the legacy data',
  );
  narrator.warn(
    'From here on the service’s bookings are not in the legacy database. Rolling booking back now would',
  );
  narrator.warn(
    'hide them from the monolith, which would sell their tickets again. Until the sync engine copies back,',
  );
  narrator.warn('roll booking back only before its first sale at the service.');
}

/** Everybody wants the last tickets at once. */
async function sellOut(stage: Stage, event: number, stock: number): Promise<void> {
  const { narrator, customer } = stage;
  narrator.say(
    `Now a small flash sale: ${stock} tickets left, and buyers for more than that, ten at a time.`,
  );
  const buyers = Math.ceil(stock / 10) + 10;
  const replies = await Promise.all(
    Array.from({ length: buyers }, () =>
      customer.send('POST', '/api/bookings', { event_id: event, num_tickets: 10 }),
    ),
  );
  const sold = replies.filter(({ status }) => status === 201).length * 10;
  const refused = replies.filter(({ json }) => json.error === 'not enough tickets').length;
  const left = await stockOf(stage, event);
  narrator.table([['buyers', 'sold', 'refused', 'left'], [buyers, sold, refused, left].map(String)]);
  narrator.check(sold + left === stock && left >= 0, 'every ticket is sold once or left, none is sold twice');
  narrator.check(sold / 10 + refused === buyers, 'everybody got an answer');
}

/** An event on sale with enough tickets for the story and few enough to sell out. */
async function eventOnSale({ customer }: Stage): Promise<number> {
  const { json } = await customer.get('/api/events?per_page=100');
  const events = json.events as { id: number; stock: number; starts_at: string }[];
  const fitting = events
    .filter(({ stock, starts_at }) => stock >= 20 && Date.parse(`${starts_at}Z`) > Date.now())
    .sort((a, b) => a.stock - b.stock)[0];
  if (fitting === undefined) throw new Error('the seed has no event with 20 tickets or more');
  return fitting.id;
}

async function stockOf({ customer }: Stage, event: number): Promise<number> {
  return Number((await customer.get(`/api/inventory/${event}`)).json.stock);
}
