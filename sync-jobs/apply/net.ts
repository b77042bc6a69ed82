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
  /** Rows that have another key now, by that key; `from` is the one that they had before all of this. */
  moves: Map<string, { from: Row; to: Row }>;
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
      net = { emptied: false, rows: new Map(), removals: new Map(), moves: new Map() };
      nets.set(table, net);
    }
    if (truncated) {
      net.emptied = true;
      net.rows.clear();
      net.removals.clear();
      net.moves.clear();
      continue;
    }
    let from: Row | undefined;
    if (oldKey !== undefined) {
      const text = keyText(oldKey);
      from = net.moves.get(text)?.from ?? oldKey;
      net.moves.delete(text);
      net.rows.delete(text);
      net.removals.set(text, oldKey);
    }
    if (row !== undefined) {
      const key = row.slice(0, keyLength(table));
      const text = keyText(key);
      net.removals.delete(text);
      net.rows.set(text, row);
      if (from !== undefined && keyText(from) !== text) net.moves.set(text, { from, to: key });
    }
  }
  return nets;
}
