import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Feed } from '../feed/feed.ts';
import type { Owner } from '../mapping/group.ts';
import { actualRows, expectedRows, type ServiceTable } from './chinook/expected.ts';
import { createChinook, createService, fillChinook } from './chinook/generate.ts';
import { billing, playlists } from './chinook/groups.ts';
import { Random } from './chinook/random.ts';
import { LegacyWorkload } from './chinook/workload.ts';
import { openPair, pairs, type StorePair } from './store-pair.ts';

// Tables that nobody designed with this toolkit in mind: Chinook's, in both of its own spellings.

const seed = 20_261;

async function expectEqual({ legacy, service }: StorePair, tables: ServiceTable[]): Promise<void> {
  for (const table of tables) {
    const expected = await expectedRows(table, legacy);
    expect(expected.length).toBeGreaterThan(9);
    expect(await actualRows(table, service)).toEqual(expected);
  }
}

/**
 * Drains a feed to its end. A transaction of any database of the PostgreSQL server holds back what is read, and other
 * test files run on the same server; so an idle step alone does not say that nothing is left.
 */
async function drainAll(
  pair: StorePair,
  feed: Feed,
  owner: Owner,
): Promise<{ changes: number; copied: number }> {
  const total = { changes: 0, copied: 0 };
  while (true) {
    const { changes, copied } = await pair.drain(feed, owner);
    total.changes += changes;
    total.copied += copied;
    if ((await feed.lag()).rows === 0) return total;
    await feed.source.changed(10_000, new AbortController().signal);
  }
}

describe.each(pairs)('Chinook on %s, the service on %s', (from, to) => {
  describe('billing', () => {
    const tables: ServiceTable[] = ['orders', 'order_lines'];
    let pair: StorePair;
    beforeAll(async () => {
      pair = await openPair(billing(from), [from, to], {
        legacy: async (database) => {
          await createChinook(database);
          await fillChinook(database, seed);
        },
        service: (database) => createService('billing', database),
      });
    });
    afterAll(() => pair.close());

    test('copies in pieces while invoices come, change and go, and follows', async () => {
      const workload = new LegacyWorkload(pair.legacy, new Random(seed));
      for (let done = false; !done; ) {
        await workload.run(4);
        const { state } = await pair.feed('forward', { chunkRows: 150, pageRows: 40 }).step('legacy');
        done = state.backfill.done;
      }
      await drainAll(pair, pair.feed('forward', { pageRows: 40 }), 'legacy');
      await expectEqual(pair, tables);
      await workload.run(60);
      const feed = pair.feed('forward', { pageRows: 7 });
      await drainAll(pair, feed, 'legacy');
      await expectEqual(pair, tables);
      expect(await drainAll(pair, feed, 'legacy')).toEqual({ changes: 0, copied: 0 });
    });

    test("what the service writes as the owner comes back in Chinook's own form", async () => {
      const { legacy, service } = pair;
      const back = pair.feed('back', { pageRows: 9 });
      await drainAll(pair, back, 'service');
      const [{ id }] = (await service.query('SELECT max(order_id) AS id FROM orders')) as [{ id: string }];
      // Divisible by 7 and by 11: none of the statements below that pick rows by their remainder picks this one.
      const made = (Math.floor(Number(id) / 77) + 1) * 77;
      await service.transaction(async (query) => {
        await query(
          `INSERT INTO orders (order_id, customer_id, placed_at, bill_to_street, bill_to_place, currency, amount_cents, written_by)
           VALUES (?, 7, 1795168800250, '1 O''Hara St', 'Köln | 50667', 'USD', 1980, 'service')`,
          made,
        );
        await query(
          `INSERT INTO order_lines (line_id, order_id, track_id, unit_cents, pieces, written_by)
           VALUES (900001, ?, 5, 99, 20, 'service'), (900002, ?, 6, 0, 1, 'service')`,
          made,
          made,
        );
        await query(
          "UPDATE orders SET amount_cents = amount_cents + 5, placed_at = placed_at - placed_at % 1000, bill_to_place = NULL, written_by = 'service' WHERE order_id % 7 = 1",
        );
      });
      await service.transaction(async (query) => {
        await query('DELETE FROM order_lines WHERE order_id % 11 = 3');
        await query('DELETE FROM orders WHERE order_id % 11 = 3');
        await query(
          "UPDATE order_lines SET line_id = line_id + 1000000, written_by = 'service' WHERE line_id % 13 = 0",
        );
      });
      expect((await drainAll(pair, back, 'service')).changes).toBeGreaterThan(100);
      await expectEqual(pair, tables);
      const dialect = legacy.dialect;
      const [row] = await legacy.query(
        dialect === 'sqlite'
          ? 'SELECT InvoiceDate AS made, BillingCity AS city, BillingPostalCode AS code, Total AS total, BillingState AS state, typeof(Total) AS stored FROM Invoice WHERE InvoiceId = ?'
          : "SELECT invoice_date AS made, billing_city AS city, billing_postal_code AS code, total, billing_state AS state, 'numeric' AS stored FROM invoice WHERE invoice_id = ?",
        made,
      );
      expect(row).toEqual({
        made: dialect === 'sqlite' ? '2026-11-20 10:00:00.250' : '2026-11-20 10:00:00.25',
        city: 'Köln',
        code: '50667',
        total: dialect === 'sqlite' ? '19.8' : '19.80',
        state: null,
        stored: dialect === 'sqlite' ? 'real' : 'numeric',
      });
      expect(await drainAll(pair, pair.feed('back'), 'service')).toEqual({ changes: 0, copied: 0 });
    });
  });

  describe('playlists', () => {
    const tables: ServiceTable[] = ['playlists', 'playlist_entries'];
    let pair: StorePair;
    beforeAll(async () => {
      pair = await openPair(playlists(from), [from, to], {
        legacy: async (database) => {
          await createChinook(database);
          await fillChinook(database, seed + 1);
        },
        service: (database) => createService('playlists', database),
      });
    });
    afterAll(() => pair.close());

    test('copies in pieces while lists come, change and go, and follows', async () => {
      const workload = new LegacyWorkload(pair.legacy, new Random(seed));
      for (let done = false; !done; ) {
        await workload.run(6);
        const { state } = await pair.feed('forward', { chunkRows: 170, pageRows: 30 }).step('legacy');
        done = state.backfill.done;
      }
      await workload.run(40);
      await drainAll(pair, pair.feed('forward', { pageRows: 11 }), 'legacy');
      await expectEqual(pair, tables);
    });

    test('what the service writes as the owner comes back', async () => {
      const { service } = pair;
      const back = pair.feed('back');
      await drainAll(pair, back, 'service');
      await service.transaction(async (query) => {
        await query("INSERT INTO playlists (id, title) VALUES (5001, ''), (5002, NULL)");
        await query('INSERT INTO playlist_entries (playlist, track) VALUES (5001, 1), (5001, 2), (5002, 1)');
        await query('UPDATE playlist_entries SET playlist = 5002 WHERE playlist = 5001 AND track = 2');
        await query('DELETE FROM playlist_entries WHERE track % 10 = 4');
        await query("UPDATE playlists SET title = 'Zoë 👩‍🎤' WHERE id % 3 = 0");
      });
      expect((await drainAll(pair, back, 'service')).changes).toBeGreaterThan(50);
      await expectEqual(pair, tables);
    });
  });
});
