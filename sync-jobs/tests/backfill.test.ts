import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Counts } from '../backfill/table-pass.ts';
import type { Store } from '../stores/store.ts';
import { type GroupName, groups, openPair, pairs, type StorePair, wrapped } from './store-pair.ts';
import {
  actualRows,
  expectedRows,
  insertBooking,
  insertBookings,
  insertEvent,
  insertEvents,
  insertUser,
  insertUsers,
} from './ticketnow.ts';

const nothing = { written: 0, removed: 0 };

/** Not even an empty transaction, which would cost a wait for the disk. */
const withoutWriting = {
  wrap: (target: Store) =>
    wrapped(target, { apply: () => Promise.reject(new Error('an idle pass begins no transaction')) }),
};

describe.each(pairs)('%s to %s', (from, to) => {
  let pair: StorePair;
  beforeAll(async () => {
    pair = await openPair(from, to);
  });
  afterAll(() => pair.close());
  beforeEach(() => pair.empty());

  const expectEqual = async (group: GroupName) =>
    expect(await actualRows(group, pair.service[group])).toEqual(await expectedRows[group]!(pair.legacy));

  const ids = Array.from({ length: 25 }, (_, index) => index + 1);

  async function fill(): Promise<void> {
    await insertUsers(pair.legacy, ids);
    await pair.legacy.query("UPDATE users SET deleted_at = '2026-11-01 00:00:00' WHERE id = 3");
    await insertEvents(pair.legacy, [1, ...ids.map((id) => 7 * id)]);
    await insertBookings(
      pair.legacy,
      ids.map((id) => 3 * id),
    );
  }

  test.each(Object.keys(groups) as GroupName[])(
    '%s: the first pass copies every row, the second writes nothing',
    async (group) => {
      await fill();
      const rows = (await expectedRows[group]!(pair.legacy)).length;
      expect(await pair.pass(group)).toEqual({ read: rows, written: rows, removed: 0, kept: 0 });
      await expectEqual(group);
      expect(await pair.pass(group, withoutWriting)).toEqual({ read: rows, ...nothing, kept: 0 });
    },
  );

  test('values arrive exactly', async () => {
    const odd = { full_name: 'Zoë 👩‍🎤 O\'Hara \\ "q"', phone: '', city: ' 東京 ', bio: '{a,b}\n\tNULL' };
    await insertUser(pair.legacy, 1, odd);
    await insertUser(pair.legacy, 2, { full_name: 'NULL', phone: null, city: 'null', bio: '' });
    await insertUser(pair.legacy, 2_147_483_647, { updated_at: '1969-12-31 23:59:59' });
    await pair.pass('profile');
    await expectEqual('profile');
    const [first, second] = await actualRows('profile', pair.service.profile);
    expect(first).toMatchObject(odd);
    expect(second).toMatchObject({ phone: null, bio: '' });
    expect(await pair.pass('profile')).toMatchObject(nothing);
  });

  test('inserts, updates and deletes at the source are followed', async () => {
    await fill();
    await pair.pass('booking');
    await pair.legacy.query(
      "UPDATE bookings SET status = 'paid', paid_at = '2026-11-20 11:00:00' WHERE id = 3",
    );
    await pair.legacy.query('DELETE FROM bookings WHERE id IN (6, 75)');
    await insertBooking(pair.legacy, 4);
    await insertBooking(pair.legacy, 100);
    expect(await pair.pass('booking')).toMatchObject({ read: 25, written: 3, removed: 2 });
    await expectEqual('booking');
  });

  test('a user who is soft-deleted loses the row, and gets it back when restored', async () => {
    await fill();
    await pair.pass('profile');
    await pair.legacy.query("UPDATE users SET deleted_at = '2026-11-20 12:00:00' WHERE id = 7");
    expect(await pair.pass('profile')).toMatchObject({ written: 0, removed: 1 });
    await expectEqual('profile');
    await pair.legacy.query('UPDATE users SET deleted_at = NULL WHERE id = 7');
    expect(await pair.pass('profile')).toMatchObject({ written: 1, removed: 0 });
    await expectEqual('profile');
  });

  test('a soft-deleted event stays as a withdrawn item', async () => {
    await fill();
    await pair.pass('inventory');
    await pair.legacy.query("UPDATE events SET deleted_at = '2026-11-20 12:00:00' WHERE id = 7");
    expect(await pair.pass('inventory')).toMatchObject({ written: 1, removed: 0 });
    await expectEqual('inventory');
  });

  test('a key that is used again for another row is that row', async () => {
    await fill();
    await pair.pass('inventory');
    await pair.legacy.query('DELETE FROM events WHERE id = 14');
    await insertEvent(pair.legacy, 14, {
      title: 'Another',
      slug: 'another',
      stock: 1,
      updated_at: '2026-11-20 10:00:01',
    });
    expect(await pair.pass('inventory')).toMatchObject({ written: 1, removed: 0 });
    await expectEqual('inventory');
  });

  test('an emptied source empties the target, in chunks', async () => {
    await fill();
    await pair.pass('profile');
    await pair.legacy.query('DELETE FROM bookings');
    await pair.legacy.query('DELETE FROM users');
    expect(await pair.pass('profile', { chunkRows: 5 })).toEqual({
      read: 0,
      written: 0,
      removed: 24,
      kept: 0,
    });
    expect(await actualRows('profile', pair.service.profile)).toEqual([]);
  });

  test('rows that the service has written keep their own columns, while reference columns follow', async () => {
    await fill();
    await pair.pass('inventory');
    await pair.service.inventory.query(
      "UPDATE items SET stock = 3, updated_at = 5, written_by = 'service' WHERE event_id = 7",
    );
    await pair.legacy.query(
      "UPDATE events SET stock = 50, title = 'New 🎫', price_cents = 1 WHERE id IN (7, 14)",
    );
    expect(await pair.pass('inventory')).toEqual({ read: 26, written: 2, removed: 0, kept: 1 });
    const rows = await actualRows('inventory', pair.service.inventory);
    expect(rows.find((row) => row.event_id === '7')).toMatchObject({
      title: 'New 🎫',
      price_cents: '1',
      stock: '3',
      updated_at: '5',
      written_by: 'service',
    });
    expect(rows.find((row) => row.event_id === '14')).toMatchObject({
      stock: '50',
      title: 'New 🎫',
      written_by: 'sync',
    });
    expect(await pair.pass('inventory', withoutWriting)).toEqual({ read: 26, ...nothing, kept: 1 });
  });

  test('rows that the service has written or made are never removed', async () => {
    await fill();
    await pair.pass('booking');
    await pair.service.booking.query(
      "UPDATE bookings SET state = 'paid', written_by = 'service' WHERE id = 6",
    );
    await pair.service.booking.query(
      `INSERT INTO bookings (id, user_id, event_id, quantity, unit_price_cents, total_cents, state, created_at, written_by)
       VALUES (500, 1, 1, 1, 1, 1, 'confirming', 1, 'service')`,
    );
    await pair.legacy.query('DELETE FROM bookings WHERE id IN (3, 6)');
    expect(await pair.pass('booking', { chunkRows: 4 })).toEqual({
      read: 23,
      written: 0,
      removed: 1,
      kept: 2,
    });
    const ids = (await actualRows('booking', pair.service.booking)).map((row) => row.id);
    expect(ids).toEqual(expect.arrayContaining(['6', '500']));
    expect(ids).not.toContain('3');
  });

  test('a write of the service between comparison and write is not overwritten', async () => {
    await fill();
    await pair.pass('inventory');
    await pair.legacy.query('UPDATE events SET stock = 77 WHERE id IN (7, 14)');
    await pair.legacy.query('DELETE FROM events WHERE id = 21');
    const service = pair.service.inventory;
    const counts = await pair.pass('inventory', {
      wrap: (target) =>
        wrapped(target, {
          apply: async (table, chunk) => {
            await service.query(
              "UPDATE items SET stock = 2, written_by = 'service' WHERE event_id IN (7, 21)",
            );
            return target.apply(table, chunk);
          },
        }),
    });
    expect(counts).toMatchObject({ written: 1, removed: 0 });
    const stock = Object.fromEntries(
      (await actualRows('inventory', service)).map((row) => [row.event_id, row.stock]),
    );
    expect(stock).toMatchObject({ 7: '2', 14: '77', 21: '2' });
  });

  test('an open transaction of the service is waited for, and what it writes is kept', async () => {
    await fill();
    await pair.pass('inventory');
    await pair.legacy.query('UPDATE events SET stock = 77');
    const blocked = Promise.withResolvers<void>();
    let passing: Promise<Counts> | undefined;
    await pair.service.inventory.transaction(async (query) => {
      await query("UPDATE items SET stock = 2, written_by = 'service' WHERE event_id = 7");
      passing = pair.pass('inventory', {
        wrap: (target) =>
          wrapped(target, {
            apply: (table, chunk) => {
              blocked.resolve();
              return target.apply(table, chunk);
            },
          }),
      });
      await blocked.promise;
    });
    expect(await passing).toMatchObject({ read: 26, written: 25 });
    const [item] = await pair.service.inventory.query('SELECT stock FROM items WHERE event_id = 7');
    expect(item).toEqual({ stock: '2' });
  });

  test('no lock on the legacy database is held beyond a single read', async () => {
    await fill();
    const exclusively =
      from === 'sqlite'
        ? 'BEGIN EXCLUSIVE; COMMIT'
        : 'BEGIN; LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE NOWAIT; COMMIT';
    let chunks = 0;
    await pair.pass('booking', {
      chunkRows: 5,
      wrap: (target) =>
        wrapped(target, {
          apply: async (table, chunk) => {
            chunks++;
            await pair.legacy.script(exclusively);
            return target.apply(table, chunk);
          },
        }),
    });
    expect(chunks).toBe(5);
  });

  test('a legacy writer that holds its lock is waited for', async () => {
    await fill();
    let passing: Promise<Counts> | undefined;
    await pair.legacy.transaction(async (query) => {
      if (from === 'postgres') await query('LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE');
      await query('UPDATE bookings SET num_tickets = 9');
      passing = pair.pass('booking');
      await turn();
    });
    expect(await passing).toMatchObject({ read: 25 });
    await pair.pass('booking');
    await expectEqual('booking');
  });

  test.each([1, 2, 5, 24, 25, 26])(
    'chunks of %i rows over sparse keys lose and repeat nothing',
    async (chunkRows) => {
      await fill();
      expect(await pair.pass('booking', { chunkRows })).toMatchObject({ read: 25, written: 25 });
      await expectEqual('booking');
      // Rows that only the target has lie before, between and behind the source's chunks.
      await pair.legacy.query('DELETE FROM bookings WHERE id < 10 OR id > 60 OR id = 30');
      await insertBooking(pair.legacy, 31);
      expect(await pair.pass('booking', { chunkRows })).toMatchObject({ read: 17, written: 1, removed: 9 });
      await expectEqual('booking');
    },
  );

  test('keys below zero and rows at the ends of the key range are rows like others', async () => {
    await insertUser(pair.legacy, 1);
    await insertEvents(pair.legacy, [-2_147_483_648, -5, 0, 2_147_483_647]);
    expect(await pair.pass('inventory', { chunkRows: 2 })).toMatchObject({ read: 4, written: 4 });
    await expectEqual('inventory');
  });

  test('after a backfill that went on while the legacy application wrote, one more pass makes both sides equal', async () => {
    await fill();
    const writer = async () => {
      for (let step = 0; step < 120; step++) {
        const id = 1000 + step;
        await insertBooking(pair.legacy, id);
        await pair.legacy.query(
          'UPDATE bookings SET num_tickets = ? WHERE id = ?',
          1 + (step % 9),
          3 * (1 + (step % 25)),
        );
        if (step % 3 === 0) await pair.legacy.query('DELETE FROM bookings WHERE id = ?', id);
        await turn();
      }
    };
    let writing = true;
    const written = writer().finally(() => {
      writing = false;
    });
    while (writing) await pair.pass('booking', { chunkRows: 3 });
    await written;
    await pair.pass('booking');
    await expectEqual('booking');
    expect(await pair.pass('booking')).toMatchObject(nothing);
  });

  test("the service's next booking gets a key above every copied one", async () => {
    await fill();
    await insertBooking(pair.legacy, 4000);
    await pair.pass('booking');
    const next = async () => {
      const [row] = await pair.service.booking.query(
        `INSERT INTO bookings (user_id, event_id, quantity, unit_price_cents, total_cents, state, created_at, written_by)
         VALUES (1, 1, 1, 1, 1, 'pending', 1, 'service') RETURNING id`,
      );
      return Number(row!.id);
    };
    const first = await next();
    expect(first).toBeGreaterThan(4000);
    // A later pass that copies lower keys does not set the sequence back.
    await insertBooking(pair.legacy, 2);
    await pair.pass('booking');
    expect(await next()).toBe(first + 1);
  });

  test('a row that cannot be mapped stops the pass and is named; the rows before it are copied', async () => {
    await fill();
    await pair.legacy.query("UPDATE bookings SET status = 'lost' WHERE id = 30");
    await expect(pair.pass('booking', { chunkRows: 4 })).rejects.toMatchObject({
      code: 'row_unmappable',
      message: 'booking: row 30 of bookings cannot be mapped to state: "lost" is not in the value table.',
    });
    expect((await actualRows('booking', pair.service.booking)).length).toBe(8);
    await pair.legacy.query("UPDATE bookings SET status = 'paid' WHERE id = 30");
    await pair.pass('booking');
    await expectEqual('booking');
  });

  test('a row that the target refuses is named; the rows before it are copied', async () => {
    await fill();
    await pair.legacy.query('UPDATE events SET stock = -1 WHERE id = 28');
    await expect(pair.pass('inventory')).rejects.toMatchObject({
      code: 'row_rejected',
      message: expect.stringContaining('items does not take row 28 of events.'),
    });
    expect((await actualRows('inventory', pair.service.inventory)).length).toBe(4);
    await pair.legacy.query('UPDATE events SET stock = 0 WHERE id = 28');
    await pair.pass('inventory');
    await expectEqual('inventory');
  });
});
