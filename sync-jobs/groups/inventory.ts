import { copy, utcTime } from '../mapping/fields.ts';
import { defineGroup } from '../mapping/group.ts';

/**
 * TicketNow keeps the stock on the catalogue's row. The stock moves to the service; the catalogue stays with
 * the monolith, so the service's copy of it follows for as long as the monolith lives.
 */
export default defineGroup({
  name: 'inventory',
  tables: [
    {
      from: 'events',
      to: 'items',
      key: { from: 'id', to: 'event_id' },
      writtenBy: 'written_by',
      rowsFrom: 'legacy',
      owned: [copy('stock'), copy('total_stock', 'capacity'), utcTime('updated_at')],
      reference: [
        copy('title'),
        copy('price_cents'),
        copy('status', 'sale_status'),
        utcTime('starts_at'),
        utcTime('deleted_at', 'withdrawn_at'),
      ],
    },
  ],
});
