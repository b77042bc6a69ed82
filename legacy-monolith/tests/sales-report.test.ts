import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databases, startTicketNow, type TicketNow } from './ticketnow.ts';

describe.each(databases)('the sales report on %s', (_name, createStore) => {
  let shop: TicketNow;
  beforeAll(async () => {
    shop = await startTicketNow(createStore);
  });
  afterAll(() => shop.close());

  test('has a line for each event, quoted where needed, and adds up', async () => {
    const title = 'Say "hi", they said\nand left';
    await shop.db.run('UPDATE events SET title = ? WHERE id = 1', [title]);
    await shop.db.run('DELETE FROM bookings WHERE event_id = 2');
    const admin = await shop.loggedIn(1);

    const answer = await admin.get('/admin/reports/sales.csv').expect(200);
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(answer.headers['content-disposition']).toMatch(
      /^attachment; filename="sales-\d{4}-\d\d-\d\d\.csv"$/,
    );
    expect(answer.headers['transfer-encoding']).toBe('chunked');

    const [header, ...rows] = parseCsv(answer.text);
    const events = rows.map((row) => Object.fromEntries(row.map((cell, index) => [header![index], cell])));
    expect(events.map(({ event_id }) => event_id)).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
      '10',
    ]);
    expect(events[0]!.title).toBe(title);
    expect(events[7]!.status).toBe('deleted');
    expect(events[1]).toMatchObject({
      bookings_paid: '0',
      tickets_paid: '0',
      tickets_pending: '0',
      revenue: '0.00',
    });
    for (const event of events.filter(({ event_id }) => event_id !== '2')) {
      const sold = Number(event.tickets_paid) + Number(event.tickets_pending);
      expect(Number(event.total_stock) - Number(event.stock)).toBe(sold);
      expect(event.revenue).toBe((Number(event.tickets_paid) * Number(event.price)).toFixed(2));
    }
  });
});

/** RFC 4180, independent of the code under test. */
function parseCsv(text: string): string[][] {
  expect(text.endsWith('\r\n')).toBe(true);
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(cell)) {
    rows.at(-1)!.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
  }
  expect(rows.pop()).toEqual([]);
  return rows;
}
