import type { Change } from '../changes/change.ts';
import { keyText, type Row } from '../stores/value.ts';

/** What changes of one table come to: each row as it is in the end. No key is in both. */
export interface Net {
  /** All rows that were there before are gone. */
  emptied: boolean;
  /** Rows of the source as they are now, by key. */
  rows: Map<string, Row>;
  /** Keys of rows that are gone, by key. */
  removals: Map<string, Row>;
}

/**
 * What changes come to, by table. They are applied as one transaction, so only how each row ends up counts; a row that
 * came and went leaves a removal, which does no harm where there is nothing.
 */
export function netOf(changes: readonly Change[], keyLength: (table: string) => number): Map<string, Net> {
  const nets = new Map<string, Net>();
  for (const { table, oldKey, row, truncated } of changes) {
    let net = nets.get(table);
    if (net === undefined) {
      net = { emptied: false, rows: new Map(), removals: new Map() };
      nets.set(table, net);
    }
    if (truncated) {
      net.emptied = true;
      net.rows.clear();
      net.removals.clear();
      continue;
    }
    if (oldKey !== undefined) {
      const text = keyText(oldKey);
      net.rows.delete(text);
      net.removals.set(text, oldKey);
    }
    if (row !== undefined) {
      const text = keyText(row.slice(0, keyLength(table)));
      net.removals.delete(text);
      net.rows.set(text, row);
    }
  }
  return nets;
}
