import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/**
 * Reservations take their quantity out of items.stock while held or confirmed. A released one without an item
 * is a tombstone: its release came before it. Returns are remembered by id so that each counts once.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('reservations')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('item_id', 'bigint')
    .addColumn('quantity', 'bigint', (column) => column.notNull())
    .addColumn('state', 'text', (column) =>
      column.notNull().check(sql`state in ('held', 'confirmed', 'released', 'expired')`),
    )
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await sql`CREATE INDEX reservations_held ON reservations (expires_at) WHERE state = 'held'`.execute(db);
  await sql`CREATE INDEX reservations_closed ON reservations (expires_at) WHERE state IN ('released', 'expired')`.execute(
    db,
  );
  await db.schema
    .createTable('stock_returns')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('item_id', 'bigint', (column) => column.notNull())
    .addColumn('quantity', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
}
