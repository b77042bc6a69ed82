import type { Connection } from './connection.ts';

type Cells = Record<string, string | null>;

/** A row that is not on both sides as it should be. */
export interface Difference {
  /** Legacy table -> service table. */
  table: string;
  key: string;
  /** As they are in the databases; null where there is none. */
  legacy: Cells | null;
  service: Cells | null;
  /** The columns of the service's row that are not what the legacy row says. */
  columns: string[];
}

/**
 * Compares every row of both sides. What a row of one side is on the other is said here once more by hand, for the
 * service's columns: nothing of the engine's mapping is used.
 */
export async function compareSides(
  legacy: Connection,
  service: Connection,
): Promise<{ rows: number; differences: Difference[] }> {
  const differences: Difference[] = [];
  let rows = 0;
  for (const { from, to, key, expected, actual } of tables) {
    const left = new Map(
      (await legacy.rows(`SELECT * FROM ${from}`))
        .filter(isPresent)
        .map((row) => [keyOf(expected(row), key), row]),
    );
    const right = new Map(
      (await service.rows(`SELECT * FROM ${to}`)).map((row) => [keyOf(actual(row), key), row]),
    );
    rows += Math.max(left.size, right.size);
    for (const text of new Set([...left.keys(), ...right.keys()])) {
      const [legacyRow, serviceRow] = [left.get(text) ?? null, right.get(text) ?? null];
      const wanted = legacyRow === null ? {} : expected(legacyRow);
      const found = serviceRow === null ? {} : actual(serviceRow);
      const columns = [...new Set([...Object.keys(wanted), ...Object.keys(found)])].filter(
        (name) => wanted[name] !== found[name],
      );
      if (columns.length > 0) {
        differences.push({
          table: `${from} -> ${to}`,
          key: text,
          legacy: legacyRow,
          service: serviceRow,
          columns,
        });
      }
    }
  }
  return { rows, differences };
}

function isPresent(row: Cells): boolean {
  return row.removed_at === undefined || row.removed_at === null;
}

function keyOf(row: Cells, key: string[]): string {
  return key.map((name) => JSON.stringify(row[name])).join(', ');
}

interface Compared {
  from: string;
  to: string;
  key: string[];
  /** The service's row of a legacy row. */
  expected(row: Cells): Cells;
  /** A service's row, in the same form. */
  actual(row: Cells): Cells;
}

const states: Record<string, string> = { A: 'active', B: 'blocked', D: 'draft' };

const tables: Compared[] = [
  {
    from: 'articles',
    to: 'products',
    key: ['product_id'],
    expected: (row) => ({
      product_id: row.id!,
      name: row.title!,
      sku: row.sku!,
      slot: row.slot!,
      status: states[row.state!]!,
      updated_at: instant(row.updated!),
      price_cents: row.price === null ? null : String(Math.round(Number(row.price) * 100)),
      brand: row.label === null ? null : row.label!.split(' / ')[0]!,
      model: row.label?.includes(' / ') ? row.label.slice(row.label.indexOf(' / ') + 3) : null,
      maker: row.last_name === null ? row.first_name! : `${row.first_name} ${row.last_name}`,
      phase: isSet(row.is_open!) ? 'open' : isSet(row.is_paid!) ? 'paid' : 'closed',
      weight: real(row.weight!),
      payload: row.payload!,
      big: row.big!,
    }),
    actual: ({ hits, ...row }) => ({ ...row, weight: real(row.weight!) }),
  },
  {
    from: 'codes',
    to: 'vouchers',
    key: ['area', 'voucher'],
    expected: (row) => ({
      area: row.region!,
      voucher: row.code!,
      amount: String(Number(row.amount)),
      note: row.note!,
    }),
    actual: (row) => row,
  },
  {
    from: 'reviews',
    to: 'opinions',
    key: ['opinion_id'],
    expected: (row) => ({
      opinion_id: row.id!,
      product_id: row.article_id!,
      author: row.author!,
      stars: row.rating!,
      body: row.body!,
      posted_at: instant(row.posted!),
    }),
    actual: ({ written_by, ...row }) => row,
  },
];

function instant(text: string | null): string | null {
  return text === null ? null : String(Date.parse(`${text.replace(' ', 'T')}Z`));
}

function isSet(text: string | null): boolean {
  return text === '1' || text === 't';
}

function real(text: string | null): string | null {
  return text === null ? null : String(Number(text));
}
