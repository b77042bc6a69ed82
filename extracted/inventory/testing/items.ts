import { openStore } from '@ticketnow/service-kit/store';
import { type ServiceProcess, startService } from '../../service-kit/testing/service-process.ts';
import type { InventorySchema, ItemRow } from '../schema.ts';

/** The inventory service's entry. */
export const inventoryEntry = `${import.meta.dirname}/../server.js`;

/** Starts inventory as a process on a free port. */
export function startInventory(
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<ServiceProcess> {
  return startService(inventoryEntry, {
    INVENTORY_PORT: '0',
    INVENTORY_DATABASE_URL: databaseUrl,
    ...env,
  });
}

/** An item as the copying job would leave it; on sale, in the future, 100 in stock. */
export function item(changes: Partial<ItemRow> & { event_id: number }): ItemRow {
  return {
    title: `Event ${changes.event_id}`,
    price_cents: 4950,
    sale_status: 'on_sale',
    starts_at: Date.UTC(2099, 0, 1),
    withdrawn_at: null,
    stock: 100,
    capacity: 500,
    updated_at: Date.UTC(2026, 10, 20, 10),
    written_by: 'sync',
    ...changes,
  };
}

/** Writes items straight into the store of a running inventory, replacing those with the same id. */
export async function putItems(databaseUrl: string, items: ItemRow[]): Promise<void> {
  const store = openStore<InventorySchema>(databaseUrl);
  try {
    const ids = items.map((row) => row.event_id);
    await store.db.deleteFrom('items').where('event_id', 'in', ids).execute();
    await store.db.insertInto('items').values(items).execute();
  } finally {
    await store.close();
  }
}

/** One item as it is in the store now. */
export async function readItem(databaseUrl: string, eventId: number): Promise<ItemRow> {
  const store = openStore<InventorySchema>(databaseUrl);
  try {
    return await store.db
      .selectFrom('items')
      .selectAll()
      .where('event_id', '=', eventId)
      .executeTakeFirstOrThrow();
  } finally {
    await store.close();
  }
}

/** How many tickets of an item reservations of a state hold. */
export async function reserved(databaseUrl: string, eventId: number, state: string): Promise<number> {
  const store = openStore<InventorySchema>(databaseUrl);
  try {
    const row = await store.db
      .selectFrom('reservations')
      .select((eb) => eb.fn.coalesce(eb.fn.sum<number>('quantity'), eb.lit(0)).as('tickets'))
      .where('item_id', '=', eventId)
      .where('state', '=', state as never)
      .executeTakeFirstOrThrow();
    return Number(row.tickets);
  } finally {
    await store.close();
  }
}
