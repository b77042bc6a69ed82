import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/**
 * One row an event. Title to withdrawn_at are copied from the catalogue and never written here; stock and
 * capacity are this service's own. The check is the last line against overselling: the statements never reach it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('items')
    .addColumn('event_id', 'bigint', (column) => column.primaryKey().notNull())
    .addColumn('title', 'text', (column) => column.notNull())
    .addColumn('price_cents', 'bigint', (column) => column.notNull())
    .addColumn('sale_status', 'text', (column) => column.notNull())
    .addColumn('starts_at', 'bigint', (column) => column.notNull())
    .addColumn('withdrawn_at', 'bigint')
    .addColumn('stock', 'bigint', (column) => column.notNull().check(sql`stock >= 0`))
    .addColumn('capacity', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('written_by', 'text', (column) =>
      column.notNull().check(sql`written_by in ('sync', 'service')`),
    )
    .execute();
}
