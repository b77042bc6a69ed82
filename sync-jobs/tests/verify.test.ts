import { afterEach, describe, expect, test } from 'vitest';
import { pairs } from './store-pair.ts';
import { type SyncProcess, startSync } from './sync-process.ts';
import { actualRows, expectedRows, insertBookings, insertEvents, insertUsers } from './ticketnow.ts';
import { openTicketnow, type TicketnowSystem } from './ticketnow-system.ts';

const token = 'the token of the tests';
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

interface Report {
  rows: number;
  different: number;
  unsettled: number;
  differences: { table: string; shownKey: string; kind: string; columns: string[] }[];
}

describe.each(pairs)('%s to %s', (from, to) => {
  const ids = Array.from({ length: 300 }, (_, index) => index + 1);

  async function started(): Promise<{
    system: TicketnowSystem;
    sync: SyncProcess;
    ask<T>(group: string, command: string, body?: object): Promise<T>;
  }> {
    const system = await openTicketnow(from, to);
    cleanups.push(() => system.close());
    await insertUsers(system.legacy, ids);
    await insertEvents(system.legacy, ids.slice(0, 20));
    await insertBookings(system.legacy, ids);
    const sync = startSync({ ...system.environment, FIG_TOKEN: token, SYNC_CHUNK_ROWS: '70' });
    cleanups.push(async () => {
      sync.child.kill('SIGKILL');
      await sync.exited;
    });
    const port = await sync.ready;
    return {
      system,
      sync,
      async ask<T>(group: string, command: string, body: object = {}) {
        const response = await fetch(`http://127.0.0.1:${port}/api/groups/${group}/${command}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'x-fig-user': 'ops' },
          body: JSON.stringify(body),
        });
        expect(response.status, await response.clone().text()).toBe(200);
        return (await response.json()) as T;
      },
    };
  }

  test('a corrupted, a missing and an extra row are found, and repaired from the owner', async () => {
    const { system, ask } = await started();
    const { booking } = system.service;
    expect(await ask<Report>('booking', 'verify')).toMatchObject({ rows: 300, different: 0, unsettled: 0 });
    await booking.query('UPDATE bookings SET quantity = 3 WHERE id = 17');
    await booking.query('DELETE FROM bookings WHERE id = 18');
    await booking.query(
      `INSERT INTO bookings (id, user_id, event_id, quantity, unit_price_cents, total_cents, state, created_at, written_by)
       VALUES (5000, 1, 1, 1, 1, 1, 'paid', 0, 'sync')`,
    );
    const found = {
      different: 3,
      unsettled: 0,
      differences: [
        { table: 'bookings', shownKey: '17', kind: 'different', columns: ['quantity'] },
        { table: 'bookings', shownKey: '18', kind: 'missing', columns: [] },
        { table: 'bookings', shownKey: '5000', kind: 'extra', columns: [] },
      ],
    };
    expect(await ask<Report>('booking', 'verify', { mode: 'full' })).toMatchObject(found);
    // A dry run changes nothing.
    expect(await ask('booking', 'repair')).toMatchObject({ before: found, after: null });
    expect(await ask<Report>('booking', 'verify')).toMatchObject(found);
    expect(await ask('booking', 'repair', { apply: true })).toMatchObject({
      before: found,
      after: { different: 0 },
    });
    expect(await actualRows('booking', booking)).toEqual(await expectedRows.booking!(system.legacy));
    const [entry] = await system.legacy.query(
      "SELECT who, detail FROM strangler_audit WHERE action = 'repair'",
    );
    expect(entry).toMatchObject({ who: 'ops', detail: expect.stringContaining('"5000"') });
  });

  test('while writes go on, nothing is a false alarm', async () => {
    const { system, ask } = await started();
    let writing = true;
    let writes = 0;
    const writer = (async () => {
      for (; writing; writes++) {
        await system.legacy.query(
          `UPDATE bookings SET num_tickets = ${writes % 9} WHERE id = ${(writes * 7) % 300}`,
        );
        await system.legacy.query(`DELETE FROM bookings WHERE id = ${1_000 + writes - 5}`);
        await insertBookings(system.legacy, [1_000 + writes]);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let round = 0; round < 3; round++) {
      expect(await ask<Report>('booking', 'verify')).toMatchObject({ different: 0, unsettled: 0 });
      expect(await ask<Report>('booking', 'verify', { mode: 'incremental' })).toMatchObject({
        different: 0,
        unsettled: 0,
      });
    }
    writing = false;
    await writer;
    expect(writes).toBeGreaterThan(10);
  });

  test('an incremental one looks at what changed since the full one, and at nothing else', async () => {
    const { system, ask } = await started();
    await ask('profile', 'verify');
    await system.service.profile.query("UPDATE profiles SET city = 'Nowhere' WHERE user_id = 9");
    await system.legacy.query("UPDATE users SET city = 'Köln' WHERE id IN (1, 2, 3)");
    // Row 9 is the service's own change, which its triggers saw.
    const report = await ask<Report>('profile', 'verify', { mode: 'incremental' });
    expect(report).toMatchObject({ different: 1, unsettled: 0, rows: 4 });
    expect(await ask<Report>('profile', 'verify')).toMatchObject({
      different: 1,
      differences: [{ table: 'users', shownKey: '9', columns: ['city'] }],
    });
  });
});
