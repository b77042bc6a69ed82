import type { Kysely } from 'kysely';

/**
 * Outbox: tickets that cancelled and expired bookings owe to inventory. A row is written in the transaction
 * that changes the booking, and goes when inventory has taken the tickets; its id makes that happen once.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('stock_returns')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('item_id', 'bigint', (column) => column.notNull())
    .addColumn('quantity', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('attempts', 'bigint', (column) => column.notNull())
    .addColumn('next_attempt_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('stock_returns_due').on('stock_returns').column('next_attempt_at').execute();
}
