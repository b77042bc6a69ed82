import type { TestDatabase } from '../databases.ts';

type Rows = Record<string, string | null>[];

// What the service's tables have to hold, asked of Chinook in SQL written by hand, and nothing of the mapping.
// One query for either spelling and either database's functions.

const expected = {
  sqlite: {
    orders: `
      SELECT InvoiceId AS order_id, CustomerId AS customer_id,
        strftime('%s', InvoiceDate) * 1000 + CAST(substr(InvoiceDate || '.000', 21, 3) AS INTEGER) AS placed_at,
        BillingAddress AS bill_to_street,
        CASE WHEN BillingPostalCode IS NULL THEN BillingCity ELSE BillingCity || ' | ' || BillingPostalCode END AS bill_to_place,
        BillingState AS bill_to_region, BillingCountry AS bill_to_country, 'USD' AS currency,
        CAST(round(Total * 100) AS INTEGER) AS amount_cents
      FROM Invoice ORDER BY InvoiceId`,
    order_lines: `
      SELECT InvoiceLineId AS line_id, InvoiceId AS order_id, TrackId AS track_id,
        CAST(round(UnitPrice * 100) AS INTEGER) AS unit_cents, Quantity AS pieces
      FROM InvoiceLine ORDER BY InvoiceLineId`,
    playlists: 'SELECT PlaylistId AS id, Name AS title FROM Playlist ORDER BY PlaylistId',
    playlist_entries:
      'SELECT TrackId AS track, PlaylistId AS playlist FROM PlaylistTrack ORDER BY PlaylistId, TrackId',
  },
  postgres: {
    orders: `
      SELECT invoice_id AS order_id, customer_id,
        (extract(epoch FROM invoice_date) * 1000)::bigint AS placed_at, billing_address AS bill_to_street,
        CASE WHEN billing_city IS NOT NULL THEN concat_ws(' | ', billing_city, billing_postal_code) END AS bill_to_place,
        billing_state AS bill_to_region, billing_country AS bill_to_country, 'USD' AS currency,
        (total * 100)::bigint AS amount_cents
      FROM invoice ORDER BY invoice_id`,
    order_lines: `
      SELECT invoice_line_id AS line_id, invoice_id AS order_id, track_id, (unit_price * 100)::bigint AS unit_cents,
        quantity AS pieces
      FROM invoice_line ORDER BY invoice_line_id`,
    playlists: 'SELECT playlist_id AS id, name AS title FROM playlist ORDER BY playlist_id',
    playlist_entries:
      'SELECT track_id AS track, playlist_id AS playlist FROM playlist_track ORDER BY playlist_id, track_id',
  },
};

const actual = {
  orders: 'SELECT * FROM orders ORDER BY order_id',
  order_lines: 'SELECT * FROM order_lines ORDER BY line_id',
  playlists: 'SELECT * FROM playlists ORDER BY id',
  playlist_entries: 'SELECT * FROM playlist_entries ORDER BY playlist, track',
};

export type ServiceTable = keyof typeof actual;

/** The rows that a table of the service has to have, by Chinook's. */
export function expectedRows(table: ServiceTable, legacy: TestDatabase): Promise<Rows> {
  return legacy.query(expected[legacy.dialect][table]);
}

/** The rows that it has, without the column that says who wrote them. */
export async function actualRows(table: ServiceTable, service: TestDatabase): Promise<Rows> {
  const rows = await service.query(actual[table]);
  return rows.map(({ written_by, ...row }) => row);
}
