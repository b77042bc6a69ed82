import { orderOf } from '../feed/range.ts';
import { fieldsOf } from '../mapping/declaration-faults.ts';
import { type Field, fieldName } from '../mapping/fields.ts';
import { keyOf, type TableDeclaration } from '../mapping/group.ts';
import { quoted } from '../stores/sql.ts';
import type { Store, TableShape } from '../stores/store.ts';
import type { Limit } from './limits.ts';
import type { Warning } from './report.ts';

/** Times that a column keeps and a field would refuse: proven by its type, whatever the rows of today show. */
export function finerTimes(table: TableDeclaration, legacy: Map<string, Limit>): Warning[] {
  return fieldsOf(table).flatMap((field): Warning[] => {
    const time = timeOf(field);
    if (time === undefined || time.precision === 'microseconds' || time.finer === 'cut') return [];
    const { declared, fraction = 0 } = legacy.get(time.from)!;
    if (!/^timestamp.* without time zone$/.test(declared) || fraction <= 3) return [];
    const keeps = fraction === 6 ? 'microseconds' : `${fraction} digits after the second`;
    const name = fieldName(field);
    const sentence =
      `${name} is not proven: the column keeps ${keeps}, a time finer than a millisecond would stop the group. ` +
      "Say precision: 'microseconds', which has the service count those, or finer: 'cut' inside oneWay(…).";
    return [{ kind: 'finer-times', side: 'legacy', field: name, sentence }];
  });
}

function timeOf(field: Field): Extract<Field, { kind: 'utc-time' | 'local-time' }> | undefined {
  if (field.kind === 'one-way') return timeOf(field.field);
  return field.kind === 'utc-time' || field.kind === 'local-time' ? field : undefined;
}

/**
 * The first copy and verification read a table of PostgreSQL in the order of its key, text by its bytes. Without an index in
 * that order each chunk reads and sorts all of it. The database itself is asked how it would read.
 */
export async function keyOrder(
  table: TableDeclaration,
  side: 'legacy' | 'service',
  store: Store,
  shape: TableShape,
): Promise<Warning[]> {
  if (store.dialect !== 'postgres') return [];
  const name = side === 'legacy' ? table.from : table.to;
  const key = keyOf(table).map(({ from, to }) => (side === 'legacy' ? from : to));
  const order = orderOf({ key, types: key.map((column) => shape.columns.get(column)!.type) }, 'postgres');
  const plan = await store.snapshot(async (session) => {
    // With these a plan has a sort only where no index has the order.
    for (const way of ['seqscan', 'bitmapscan', 'sort', 'incremental_sort']) {
      await session.run(`SET LOCAL enable_${way} = off`);
    }
    return session.query(
      `EXPLAIN (FORMAT JSON) SELECT ${key.map(quoted).join(', ')} FROM ${quoted(name)} ORDER BY ${order} LIMIT 1`,
    );
  });
  if (!/"Node Type": "(Incremental )?Sort"/.test(String(plan[0]?.[0]))) return [];
  const statement = `CREATE INDEX CONCURRENTLY ON ${quoted(name)} (${order})`;
  const sentence =
    `the first copy and verification read ${name} by ${key.join(', ')}, text in the order of its bytes, and no index has that ` +
    `order: each chunk reads and sorts the whole table. ${statement};`;
  return [{ kind: 'key-order', side, field: key.join(', '), sentence, statement }];
}
