import { afterEach, describe, expect, test } from 'vitest';
import { databases, startTicketNow, type TicketNow } from './ticketnow.ts';

const BUYERS = [2, 3, 4, 5, 6];
const REQUESTS = 120;
const TICKETS_LEFT = 37;

describe.each(databases)('a rush for the last tickets on %s', (_name, createStore) => {
  let shop: TicketNow;
  afterEach(() => shop.close());

  test('sells every ticket and not one more', async () => {
    shop = await startTicketNow(createStore);
    await shop.db.run('UPDATE events SET stock = ? WHERE id = 1', [TICKETS_LEFT]);
    const before = await bookedTickets();
    const buyers = await Promise.all(BUYERS.map((id) => shop.loggedIn(id)));

    const answers = await Promise.all(
      Array.from({ length: REQUESTS }, (_, index) =>
        buyers[index % buyers.length]!.post('/api/bookings').send({
          event_id: 1,
          num_tickets: 1 + (index % 3),
        }),
      ),
    );

    const sold = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ body }) => body.error === 'not enough tickets');
    expect(sold.length + refused.length).toBe(REQUESTS);
    const tickets = sold.reduce((sum, { body }) => sum + body.num_tickets, 0);
    expect(tickets).toBe(TICKETS_LEFT);
    expect(new Set(sold.map(({ body }) => body.id)).size).toBe(sold.length);
    expect((await shop.visitor().get('/api/inventory/1')).body.stock).toBe(0);
    expect(await bookedTickets()).toBe(before + TICKETS_LEFT);
  });

  async function bookedTickets(): Promise<number> {
    const row = await shop.db.one<{ n: number }>(
      `SELECT SUM(num_tickets) AS n FROM bookings WHERE event_id = 1 AND status IN ('pending', 'paid')`,
    );
    return row?.n ?? 0;
  }
});
