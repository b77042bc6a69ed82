import { afterEach, describe, expect, test } from 'vitest';
import { pruneLog } from '../prune/prune.ts';
import { openPair, pairs, type StorePair, ticketnow } from './store-pair.ts';
import {
  actualRows,
  createLegacyTables,
  createServiceTables,
  expectedRows,
  insertBookings,
  insertEvents,
  insertUsers,
} from './ticketnow.ts';

const never = new AbortController().signal;

describe.each(pairs)('%s to %s', (from, to) => {
  let pair: StorePair;
  afterEach(() => pair.close());

  async function followed() {
    pair = await openPair(ticketnow.booking, [from, to], {
      legacy: createLegacyTables,
      service: (database) => createServiceTables('booking', database),
    });
    await insertUsers(pair.legacy, [1]);
    await insertEvents(pair.legacy, [1]);
    const feed = pair.feed();
    await pair.drain(feed);
    await insertBookings(pair.legacy, [1, 2, 3]);
    await pair.drain(feed);
    return feed;
  }
  const logged = async () => (await pair.legacy.query('SELECT count(*) AS rows FROM strangler_log'))[0]!.rows;
  const expectEqual = async () =>
    expect(await actualRows('booking', pair.service)).toEqual(await expectedRows.booking!(pair.legacy));

  test('what the feed has behind it goes, what is before it stays, and it goes on as if nothing had been', async () => {
    const feed = await followed();
    await insertBookings(pair.legacy, [4, 5]);
    expect(await logged()).toBe('5');
    const removed = await pruneLog(pair.stores().legacy, feed.state!.position, never);
    expect([removed, await logged()]).toEqual([3, '2']);
    expect(await pair.drain(pair.feed())).toEqual({ changes: 2, copied: 0, foreign: 0 });
    await expectEqual();
  });

  test('a log that was pruned to its end still holds the place of its feed', async () => {
    const feed = await followed();
    await pruneLog(pair.stores().legacy, feed.state!.position, never);
    expect(await logged()).toBe('0');
    expect(await pair.drain(pair.feed())).toEqual({ changes: 0, copied: 0, foreign: 0 });
    await insertBookings(pair.legacy, [6]);
    expect(await pair.drain(pair.feed())).toEqual({ changes: 1, copied: 0, foreign: 0 });
    await expectEqual();
  });

  test('a feed whose changes were pruned away copies anew, rather than miss them', async () => {
    await followed();
    await insertBookings(pair.legacy, [7]);
    await pair.legacy.query('DELETE FROM bookings WHERE id = 2');
    const ahead = await pair.feed().sourceShown();
    await pruneLog(pair.stores().legacy, ahead, never);
    expect(await logged()).toBe('0');
    expect(await pair.drain(pair.feed())).toMatchObject({ copied: 3 });
    await expectEqual();
  });
});
