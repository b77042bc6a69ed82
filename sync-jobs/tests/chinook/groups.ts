import { constant, copy, merge, money, utcTime } from '../../mapping/fields.ts';
import { defineGroup, type GroupDeclaration } from '../../mapping/group.ts';
import type { Dialect } from '../../stores/store.ts';

/** A name of Chinook's as its scripts spell it: InvoiceLine for SQLite, invoice_line for PostgreSQL. */
export function spelled(dialect: Dialect, name: string): string {
  return dialect === 'sqlite' ? name : name.replaceAll(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase();
}

/** Invoices as orders. Both sides make and remove them; what an order is paid in, Chinook does not know. */
export function billing(dialect: Dialect): GroupDeclaration {
  const name = (text: string) => spelled(dialect, text);
  return defineGroup({
    name: 'billing',
    tables: [
      {
        from: name('Invoice'),
        to: 'orders',
        key: { from: name('InvoiceId'), to: 'order_id' },
        writtenBy: 'written_by',
        owned: [
          copy(name('CustomerId'), 'customer_id'),
          utcTime(name('InvoiceDate'), 'placed_at', { precision: 'milliseconds' }),
          copy(name('BillingAddress'), 'bill_to_street'),
          merge([name('BillingCity'), name('BillingPostalCode')], 'bill_to_place', ' | '),
          copy(name('BillingState'), 'bill_to_region'),
          copy(name('BillingCountry'), 'bill_to_country'),
          constant('currency', 'USD'),
          money(name('Total'), 'amount_cents'),
        ],
      },
      {
        from: name('InvoiceLine'),
        to: 'order_lines',
        key: { from: name('InvoiceLineId'), to: 'line_id' },
        writtenBy: 'written_by',
        owned: [
          copy(name('InvoiceId'), 'order_id'),
          copy(name('TrackId'), 'track_id'),
          money(name('UnitPrice'), 'unit_cents'),
          copy(name('Quantity'), 'pieces'),
        ],
      },
    ],
  });
}

/** Playlists and what is in them: a table that is all key, and a service that does not say who wrote a row. */
export function playlists(dialect: Dialect): GroupDeclaration {
  const name = (text: string) => spelled(dialect, text);
  return defineGroup({
    name: 'playlists',
    tables: [
      {
        from: name('Playlist'),
        to: 'playlists',
        key: { from: name('PlaylistId'), to: 'id' },
        owned: [copy(name('Name'), 'title')],
      },
      {
        from: name('PlaylistTrack'),
        to: 'playlist_entries',
        key: [
          { from: name('PlaylistId'), to: 'playlist' },
          { from: name('TrackId'), to: 'track' },
        ],
        owned: [],
      },
    ],
  });
}
