import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import {
  legacyReplies,
  redirectLegacy,
  sendLegacyHtml,
  sendLegacyJson,
} from '@ticketnow/service-kit/legacy-replies';
import { int, isLegacyId, legacyTimestamp } from '@ticketnow/service-kit/legacy-values';
import type { Service } from '@ticketnow/service-kit/service';
import type { Kysely } from 'kysely';
import Type from 'typebox';
import { findItem, sku } from './items.ts';
import type { InventorySchema } from './schema.ts';
import { restock } from './stock.ts';

/** The paths that the monolith has, answered as it answers them. */
export async function addLegacyRoutes(
  parent: Service,
  db: Kysely<InventorySchema>,
  commits: GroupCommit,
): Promise<void> {
  await parent.register(async (app: Service) => {
    legacyReplies(app);

    app.get('/api/inventory/:itemId', { schema: readSchema }, async (request, reply) => {
      const itemId = int(request.params.itemId);
      if (Number.isNaN(itemId)) return sendLegacyJson(reply, 400, { error: 'itemId must be a number' });
      const row = isLegacyId(itemId) ? await findItem(db, itemId) : undefined;
      if (row === undefined) return sendLegacyJson(reply, 200, { error: 'no such item' });
      return sendLegacyJson(reply, 200, {
        item_id: row.event_id,
        sku: sku(row.event_id),
        stock: row.stock,
        total_stock: row.capacity,
        price_cents: row.price_cents,
        status: row.sale_status,
        updated_at: legacyTimestamp(row.updated_at),
      });
    });

    app.post('/admin/events/:id/stock', { schema: restockSchema }, async (request, reply) => {
      if (request.caller.userId === undefined) return redirectLegacy(reply, '/login');
      if (request.caller.role !== 'admin') return sendLegacyHtml(reply, 403, 'Forbidden');
      const itemId = int(request.params.id);
      const add = int((request.body as { add?: unknown }).add);
      if (!isLegacyId(itemId) || (await findItem(db, itemId)) === undefined) {
        return redirectLegacy(reply, '/admin?error=event');
      }
      const outcome = isRestock(add)
        ? await commits.submit((tx) => restock(tx, { itemId, add }, Date.now()), { lockKey: itemId })
        : 'refused';
      if (outcome === 'unknown') return redirectLegacy(reply, '/admin?error=event');
      return redirectLegacy(
        reply,
        `/admin/events/${itemId}?${outcome === 'saved' ? 'saved=1' : 'error=stock'}`,
      );
    });
  });
}

function isRestock(add: number): boolean {
  return add !== 0 && Math.abs(add) <= 100_000;
}

const readSchema = {
  summary: 'Stock of one event, as the monolith answers.',
  description: '`{"error":"no such item"}` with status 200 when there is none. Weak ETag, 304.',
  tags: ['legacy'],
  params: Type.Object({ itemId: Type.String({ description: "Read as parseInt does: '12abc' is 12." }) }),
  response: {
    200: Type.Object({
      item_id: Type.Integer(),
      sku: Type.String(),
      stock: Type.Integer(),
      total_stock: Type.Integer(),
      price_cents: Type.Integer(),
      status: Type.String(),
      updated_at: Type.String({ description: 'YYYY-MM-DD HH:MM:SS, UTC' }),
      error: Type.Optional(Type.String()),
    }),
    400: Type.Object({ error: Type.String() }),
  },
};

const restockSchema = {
  summary: 'Add tickets to an event, or take unsold ones away; administrators only.',
  tags: ['legacy'],
  consumes: ['application/x-www-form-urlencoded'],
  params: Type.Object({ id: Type.String() }),
  body: Type.Object({ add: Type.String({ description: 'Whole number within ±100000, not 0.' }) }),
  response: {
    302: { description: 'Location: /admin/events/:id?saved=1, ?error=stock, /admin?error=event or /login' },
    403: { description: 'Forbidden', content: { 'text/html': { schema: Type.String() } } },
  },
};
