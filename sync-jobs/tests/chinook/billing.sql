-- A billing service of its own design; both databases read it. Money is in cents, times are milliseconds since 1970.

CREATE TABLE orders (
  order_id bigint NOT NULL PRIMARY KEY,
  customer_id bigint NOT NULL,
  placed_at bigint NOT NULL,
  bill_to_street text,
  bill_to_place text, -- city | postal code
  bill_to_region text,
  bill_to_country text,
  currency text NOT NULL CHECK (currency IN ('USD', 'EUR')),
  amount_cents bigint NOT NULL,
  written_by text NOT NULL CHECK (written_by IN ('sync', 'service'))
);

CREATE TABLE order_lines (
  line_id bigint NOT NULL PRIMARY KEY,
  order_id bigint NOT NULL REFERENCES orders (order_id),
  track_id bigint NOT NULL,
  unit_cents bigint NOT NULL,
  pieces bigint NOT NULL CHECK (pieces > 0),
  written_by text NOT NULL CHECK (written_by IN ('sync', 'service'))
);
