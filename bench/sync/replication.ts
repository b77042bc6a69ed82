import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { BenchDatabase } from './databases.ts';
import { drain, openPair, secondsOf } from './pair.ts';
import { createLegacy, fill } from './tables.ts';

/** Row changes a transaction makes, and how many of them there are. */
const workloads: Record<string, { rows: number; perTransaction: number }> = {
  'one transaction': { rows: 50_000, perTransaction: 50_000 },
  'ten rows a transaction': { rows: 50_000, perTransaction: 10 },
  'one row a transaction': { rows: 10_000, perTransaction: 1 },
};

/**
 * How fast a feed applies changes divided by how fast PostgreSQL's own logical replication applies the same ones, which
 * are all there when either begins. The subscription keeps an equal table, without a mapping.
 */
export async function besideReplication(
  make: () => Promise<BenchDatabase>,
  rounds: number,
): Promise<Record<string, number[]>> {
  const pair = await openPair(make);
  const replica = await make();
  const [publisher, subscriber] = [new pg.Client(pair.legacy.url), new pg.Client(replica.url)];
  try {
    await createLegacy(replica);
    await fill(pair.legacy, 1, 50_000);
    await drain(pair.forward);
    for (const client of [publisher, subscriber]) await client.connect();
    await subscribe(publisher, subscriber, pair.legacy.url);
    await until(subscriber, 'count(*)', await one(publisher, 'count(*)'));
    const ratios: Record<string, number[]> = {};
    for (let round = 0; round < rounds; round++) {
      for (const [name, { rows, perTransaction }] of Object.entries(workloads)) {
        await subscriber.query('ALTER SUBSCRIPTION replica DISABLE');
        await work(publisher, rows / perTransaction, perTransaction);
        const wanted = await one(publisher, 'sum(num_tickets)');
        const theirs = await secondsOf(async () => {
          await subscriber.query('ALTER SUBSCRIPTION replica ENABLE');
          await until(subscriber, 'sum(num_tickets)', wanted);
        });
        const ours = await secondsOf(() => drain(pair.forward));
        ratios[name] = [...(ratios[name] ?? []), theirs / ours];
      }
    }
    await subscriber.query('DROP SUBSCRIPTION replica');
    return ratios;
  } finally {
    for (const client of [publisher, subscriber]) await client.end();
    await replica.close();
    await pair.close();
  }
}

/** The slot is made by hand: a subscription to its own server would wait for itself. */
async function subscribe(publisher: pg.Client, subscriber: pg.Client, url: string): Promise<void> {
  await publisher.query('CREATE PUBLICATION bench FOR TABLE bookings');
  await publisher.query("SELECT pg_create_logical_replication_slot('replica', 'pgoutput')");
  const { hostname, port, pathname, username, password } = new URL(url);
  await subscriber.query(
    `CREATE SUBSCRIPTION replica
     CONNECTION 'host=${hostname} port=${port} dbname=${pathname.slice(1)} user=${username} password=${password}'
     PUBLICATION bench WITH (create_slot = false, slot_name = 'replica')`,
  );
}

async function work(client: pg.Client, transactions: number, rows: number): Promise<void> {
  await client.query(`CREATE OR REPLACE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN
    FOR i IN 0..${transactions - 1} LOOP
      UPDATE bookings SET num_tickets = num_tickets + 1 WHERE id > i * ${rows} AND id <= (i + 1) * ${rows};
      COMMIT;
    END LOOP; END $$`);
  await client.query('CALL work()');
}

async function one(client: pg.Client, what: string): Promise<string> {
  const { rows } = await client.query<[unknown]>({ text: `SELECT ${what} FROM bookings`, rowMode: 'array' });
  return String(rows[0]?.[0]);
}

async function until(client: pg.Client, what: string, wanted: string): Promise<void> {
  while ((await one(client, what)) !== wanted) await delay(5);
}
