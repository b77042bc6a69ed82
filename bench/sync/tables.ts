import { copy, utcTime, values } from '../../sync-jobs/mapping/fields.ts';
import { defineGroup } from '../../sync-jobs/mapping/group.ts';
import type { BenchDatabase } from './databases.ts';

/** Bookings, as TicketNow has them: names, a status and times differ between the sides. */
export const group = defineGroup({
  name: 'bench',
  tables: [
    {
      from: 'bookings',
      to: 'orders',
      key: { from: 'id', to: 'id' },
      owned: [
        copy('user_id'),
        copy('event_id'),
        copy('num_tickets', 'quantity'),
        copy('total_cents'),
        values('status', 'state', { pending: 'p', paid: 'd', cancelled: 'c' }),
        utcTime('created_at'),
        copy('note'),
      ],
    },
  ],
});

export async function createLegacy(database: BenchDatabase): Promise<void> {
  const time = database.dialect === 'sqlite' ? 'TEXT' : 'timestamp(0)';
  await database.run(`CREATE TABLE bookings (id bigint NOT NULL PRIMARY KEY, user_id bigint NOT NULL, event_id bigint NOT NULL,
    num_tickets bigint NOT NULL, total_cents bigint NOT NULL, status text NOT NULL, created_at ${time} NOT NULL, note text)`);
  await database.run('CREATE TABLE events (id bigint NOT NULL PRIMARY KEY, stock bigint NOT NULL)');
  await database.run('INSERT INTO events VALUES (1, 1000000000)');
}

export async function createService(database: BenchDatabase): Promise<void> {
  await database.run(`CREATE TABLE orders (id bigint NOT NULL PRIMARY KEY, user_id bigint NOT NULL, event_id bigint NOT NULL,
    quantity bigint NOT NULL, total_cents bigint NOT NULL, state text NOT NULL, created_at bigint NOT NULL, note text)`);
}

/** Rows with ids of a range. */
export async function fill(database: BenchDatabase, from: number, to: number): Promise<void> {
  const series =
    database.dialect === 'sqlite'
      ? `WITH RECURSIVE s (id) AS (SELECT ${from} UNION ALL SELECT id + 1 FROM s WHERE id < ${to}) SELECT id FROM s`
      : `SELECT id FROM generate_series(${from}, ${to}) AS id`;
  await database.run(`INSERT INTO bookings SELECT id, id % 1000, id % 97, 1 + id % 4, 4950 * (1 + id % 4),
    CASE id % 3 WHEN 0 THEN 'pending' WHEN 1 THEN 'paid' ELSE 'cancelled' END,
    '2026-11-20 10:00:00', CASE WHEN id % 5 = 0 THEN NULL ELSE 'a note for booking ' || id END FROM (${series}) AS ids`);
}

/** The mapping, said once more in SQL: what the plainest way would run. */
export const mappedSelect = (dialect: BenchDatabase['dialect'], table: string): string =>
  `SELECT id, user_id, event_id, num_tickets, total_cents,
    CASE status WHEN 'pending' THEN 'p' WHEN 'paid' THEN 'd' WHEN 'cancelled' THEN 'c' END,
    ${dialect === 'sqlite' ? "CAST(strftime('%s', created_at) AS INTEGER) * 1000" : '(extract(epoch FROM created_at) * 1000)::bigint'}, note FROM ${table}`;
