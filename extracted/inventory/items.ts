import type { Kysely } from 'kysely';
import type { InventorySchema, ItemRow } from './schema.ts';

/** The item that is still in the catalogue, whether on sale or not. */
export async function findItem(db: Kysely<InventorySchema>, itemId: number): Promise<ItemRow | undefined> {
  return db
    .selectFrom('items')
    .selectAll()
    .where('event_id', '=', itemId)
    .where('withdrawn_at', 'is', null)
    .executeTakeFirst();
}

/** Items in the catalogue by id, after the given one. */
export async function listItems(
  db: Kysely<InventorySchema>,
  page: { after: number; limit: number },
): Promise<ItemRow[]> {
  return db
    .selectFrom('items')
    .selectAll()
    .where('event_id', '>', page.after)
    .where('withdrawn_at', 'is', null)
    .orderBy('event_id')
    .limit(page.limit)
    .execute();
}

/** The stock keeping unit that both applications derive from an event's id: EVT-000001. */
export function sku(eventId: number): string {
  return `EVT-${String(eventId).padStart(6, '0')}`;
}
