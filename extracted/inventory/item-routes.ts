import { ProblemError, problem } from '@ticketnow/service-kit/problem';
import type { Service } from '@ticketnow/service-kit/service';
import type { Kysely } from 'kysely';
import Type, { type Static } from 'typebox';
import { findItem, listItems, sku } from './items.ts';
import type { InventorySchema, ItemRow } from './schema.ts';

const Item = Type.Object({
  itemId: Type.Integer({ description: 'Also the event id.' }),
  sku: Type.String(),
  title: Type.String(),
  available: Type.Integer(),
  capacity: Type.Integer(),
  unitPriceCents: Type.Integer({ description: 'Euro cents' }),
  saleStatus: Type.String({ description: 'on_sale, draft or cancelled' }),
  startsAt: Type.String({ format: 'date-time' }),
  updatedAt: Type.String({ format: 'date-time' }),
});

/** GET /api/v2/items and /api/v2/items/:itemId. */
export function addItemRoutes(app: Service, db: Kysely<InventorySchema>): void {
  app.get('/api/v2/items', { schema: listSchema }, async (request) => {
    const limit = request.query.limit ?? 20;
    const rows = await listItems(db, { after: request.query.after ?? -1, limit: limit + 1 });
    const page = rows.slice(0, limit);
    return { items: page.map(present), next: rows.length > limit ? (page.at(-1)?.event_id ?? null) : null };
  });

  app.get('/api/v2/items/:itemId', { schema: oneSchema }, async (request) => {
    const row = await findItem(db, request.params.itemId);
    if (row === undefined) throw itemNotFound(request.params.itemId);
    return present(row);
  });
}

/** 404 item_not_found. */
export function itemNotFound(itemId: number): ProblemError {
  return new ProblemError('item_not_found', { status: 404, detail: `There is no item ${itemId}.` });
}

function present(row: ItemRow): Static<typeof Item> {
  return {
    itemId: row.event_id,
    sku: sku(row.event_id),
    title: row.title,
    available: row.stock,
    capacity: row.capacity,
    unitPriceCents: row.price_cents,
    saleStatus: row.sale_status,
    startsAt: new Date(row.starts_at).toISOString(),
    updatedAt: new Date(row.updated_at).toISOString(),
  };
}

const listSchema = {
  summary: 'Items by id, a page at a time.',
  tags: ['items'],
  querystring: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Default 20.' })),
    after: Type.Optional(Type.Integer({ minimum: 0, description: '`next` of the page before.' })),
  }),
  response: {
    200: Type.Object({
      items: Type.Array(Item),
      next: Type.Union([Type.Integer(), Type.Null()], { description: 'null on the last page.' }),
    }),
    400: problem('invalid_input'),
  },
};

const oneSchema = {
  summary: 'One item.',
  tags: ['items'],
  params: Type.Object({ itemId: Type.Integer({ minimum: 0 }) }),
  response: { 200: Item, 400: problem('invalid_input'), 404: problem('item_not_found') },
};
