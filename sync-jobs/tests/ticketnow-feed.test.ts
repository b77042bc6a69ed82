import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GroupName, openPair, pairs, type StorePair, ticketnow } from './store-pair.ts';
import {
  actualRows,
  createLegacyTables,
  createServiceTables,
  expectedRows,
  insertBooking,
  insertBookings,
  insertEvents,
  insertUser,
  insertUsers,
} from './ticketnow.ts';

const ids = Array.from({ length: 25 }, (_, index) => index + 1);

describe.each(pairs)('%s to %s', (from, to) => {
  describe.each(Object.keys(ticketnow) as GroupName[])('%s', (name) => {
    let pair: StorePair;
    beforeAll(async () => {
      pair = await openPair(ticketnow[name], [from, to], {
        legacy: createLegacyTables,
        service: (database) => createServiceTables(name, database),
      });
      await insertUsers(pair.legacy, ids);
      await pair.legacy.query("UPDATE users SET deleted_at = '2026-11-01 00:00:00' WHERE id = 3");
      await insertEvents(pair.legacy, [1, ...ids.map((id) => 7 * id)]);
      await insertBookings(
        pair.legacy,
        ids.map((id) => 3 * id),
      );
    });
    afterAll(() => pair.close());

    const expectEqual = async () =>
      expect(await actualRows(name, pair.service)).toEqual(await expectedRows[name]!(pair.legacy));

    test('copies, follows, and does nothing when there is nothing', async () => {
      const feed = pair.feed('forward', { chunkRows: 4 });
      await pair.drain(feed);
      await expectEqual();
      expect(await pair.drain(feed)).toEqual({ changes: 0, copied: 0, foreign: 0 });
      await pair.legacy.query(
        "UPDATE bookings SET status = 'paid', paid_at = '2026-11-20 11:00:00' WHERE id = 3",
      );
      await pair.legacy.query('DELETE FROM bookings WHERE id IN (6, 75)');
      await insertBooking(pair.legacy, 4);
      await pair.legacy.query('UPDATE bookings SET id = 1000 WHERE id = 9');
      await pair.legacy.query('UPDATE events SET stock = 7 WHERE id = 14');
      await pair.legacy.query("UPDATE users SET city = '' WHERE id = 2");
      await pair.legacy.query("UPDATE users SET deleted_at = '2026-11-01 00:00:00' WHERE id = 4");
      await pair.legacy.query('UPDATE users SET deleted_at = NULL WHERE id = 3');
      await insertUser(pair.legacy, 90, {
        full_name: 'Zoë 👩‍🎤 O\'Hara \\ "q"',
        bio: '{a,b}\n\tNULL',
        phone: '',
      });
      await pair.drain(pair.feed());
      await expectEqual();
    });
  });
});
