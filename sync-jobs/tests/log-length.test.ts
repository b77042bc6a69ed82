import { afterEach, expect, test } from 'vitest';
import { type SyncProcess, startSync } from './sync-process.ts';
import { insertEvent } from './ticketnow.ts';
import { openTicketnow, type TicketnowSystem } from './ticketnow-system.ts';

let system: TicketnowSystem;
let sync: SyncProcess;
afterEach(async () => {
  sync.child.kill('SIGTERM');
  await sync.closed;
  await system.close();
});

test.each(['sqlite', 'postgres'] as const)(
  '%s: a log is kept for the next verification no longer than SYNC_LOG_ROWS',
  async (dialect) => {
    system = await openTicketnow(dialect, dialect);
    await insertEvent(system.legacy, 1);
    sync = startSync({
      ...system.environment,
      FIG_TOKEN: 'token',
      SYNC_LOG_ROWS: '200',
      SYNC_PRUNE_SCHEDULE: '* * * * * *',
    });
    const url = `http://127.0.0.1:${await sync.ready}/api/groups`;
    const verified = await fetch(`${url}/inventory/verify`, {
      method: 'POST',
      headers: { authorization: 'Bearer token' },
      body: '{"mode":"full"}',
    });
    expect(verified.status).toBe(200);
    const rows = async () =>
      Number((await system.legacy.query('SELECT count(*) AS n FROM strangler_log'))[0]!.n);
    const change = async (times: number) => {
      for (let count = 0; count < times; count++)
        await system.legacy.query('UPDATE events SET stock = stock + 1');
    };
    await change(50);
    // A feed that has nothing to do writes its place down after a thousand changes of others.
    await change(1_200);
    while ((await rows()) > 1_000) await new Promise((resolve) => setImmediate(resolve));
  },
);
