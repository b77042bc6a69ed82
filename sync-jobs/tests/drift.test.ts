import { afterEach, expect, test } from 'vitest';
import { type SyncProcess, startSync } from './sync-process.ts';
import { insertEvent } from './ticketnow.ts';
import { openTicketnow, type TicketnowSystem } from './ticketnow-system.ts';

// A table that the legacy application's own migration makes anew has lost its triggers, and nobody tells.

let system: TicketnowSystem;
let sync: SyncProcess;
afterEach(async () => {
  sync.child.kill('SIGTERM');
  await sync.closed;
  await system.close();
});

const unseen = {
  sqlite: `
    DROP TRIGGER strangler_insert_events; DROP TRIGGER strangler_update_events;
    UPDATE events SET stock = 5 WHERE id = 1`,
  postgres: 'ALTER TABLE events DISABLE TRIGGER USER; UPDATE events SET stock = 5 WHERE id = 1',
};

test.each(['sqlite', 'postgres'] as const)(
  '%s: a group is not given away over a change that no trigger has seen',
  async (dialect) => {
    system = await openTicketnow(dialect, dialect);
    await insertEvent(system.legacy, 1);
    sync = startSync({ ...system.environment, FIG_TOKEN: 'token' });
    const url = `http://127.0.0.1:${await sync.ready}/api/groups`;
    await system.legacy.script(unseen[dialect]);
    const answer = await fetch(`${url}/inventory/owner`, {
      method: 'POST',
      headers: { authorization: 'Bearer token' },
      body: JSON.stringify({ owner: 'service' }),
    });
    expect([answer.status, await answer.json()]).toMatchObject([
      409,
      { code: 'handover_refused', detail: expect.stringContaining('strangler_update_events') },
    ]);
    const { groups } = (await (await fetch(url)).json()) as { groups: { name: string; drift: string[] }[] };
    expect(groups.find(({ name }) => name === 'inventory')?.drift).not.toEqual([]);
    expect(await system.service.inventory.query('SELECT count(*) AS rows FROM strangler_owner')).toEqual([
      { rows: '0' },
    ]);
  },
);
