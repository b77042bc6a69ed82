import type { Owner } from '../mapping/group.ts';
import type { Connection } from './connection.ts';

/** What is amiss in the engine's own tables, or in sequences; a line each. */
export type Findings = string[];

/** How many changes a side's log holds, rows that stood in the way of a REPLACE apart. */
export async function logged(connection: Connection): Promise<{ changes: number; touched: number }> {
  const [row] = await connection.rows(
    `SELECT count(*) AS entries, coalesce(sum(CASE WHEN op = 'X' THEN 1 ELSE 0 END), 0) AS touched FROM strangler_log`,
  );
  const touched = Number(row!.touched);
  return { changes: Number(row!.entries) - touched, touched };
}

/** After a drain: no feed stands before a row, none saw a change by the side that does not own the group. */
export async function checkFeeds(legacy: Connection, service: Connection): Promise<Findings> {
  const findings: Findings = [];
  for (const [side, connection, source] of [
    ['service', service, legacy],
    ['legacy', legacy, service],
  ] as const) {
    for (const row of await connection.rows('SELECT * FROM strangler_poison')) {
      findings.push(`poison in the ${side} database: ${JSON.stringify(row)}`);
    }
    const [feed] = await connection.rows('SELECT feed, applied, foreign_changes FROM strangler_feed');
    if (feed === undefined) {
      findings.push(`the ${side} database holds no state of its feed`);
      continue;
    }
    if (feed.foreign_changes !== '0') {
      findings.push(
        `${feed.feed} counted ${feed.foreign_changes} changes by the side that does not own the group`,
      );
    }
    const { changes, touched } = await logged(source);
    const applied = Number(feed.applied);
    // The first copy reads rows instead of their changes; after it every change is applied exactly once.
    const least = feed.feed === 'torture:back' ? changes : 0;
    if (applied < least || applied > changes + touched) {
      findings.push(
        `${feed.feed} says it applied ${applied} changes of ${changes} (and ${touched} touched) in the log`,
      );
    }
  }
  return findings;
}

/** Where PostgreSQL gives out keys, the side that is about to write must give out none that was copied. */
export async function checkSequences(owner: Owner, connection: Connection): Promise<Findings> {
  if (connection.dialect === 'sqlite') return [];
  const keys =
    owner === 'legacy'
      ? { articles: 'id', reviews: 'id' }
      : { products: 'product_id', opinions: 'opinion_id' };
  const findings: Findings = [];
  for (const [table, key] of Object.entries(keys)) {
    const [row] = await connection.rows(
      `SELECT max(${key}) AS greatest, coalesce(pg_sequence_last_value(pg_get_serial_sequence('${table}', '${key}')), 0) AS last FROM ${table}`,
    );
    // Below are keys that writers choose by themselves.
    if (Number(row!.greatest ?? 0) >= 100_000 && Number(row!.last) < Number(row!.greatest)) {
      findings.push(`the sequence of ${table}.${key} is at ${row!.last}, and ${row!.greatest} was copied`);
    }
  }
  return findings;
}
