import type { Stale } from '../apply/apply.ts';
import type { Applied } from '../apply/writes.ts';
import type { Change } from '../changes/change.ts';
import type { TablePlan } from '../mapping/plan.ts';
import type { Skips } from '../poison/poison.ts';
import { compareKeys, keyText, type Row } from '../stores/value.ts';
import type { BackfillState } from './state.ts';

/** The changes that are to be applied now: of live tables, not left to the copy, not skipped by a person. */
export function wantedOf(
  changes: Change[],
  backfill: BackfillState,
  tables: Applied[],
  armed: TablePlan[],
  skips: Skips,
): Change[] {
  if (backfill.done && skips.size === 0 && armed.length === 0) return changes;
  const order = new Map(
    tables.map(({ plan }, index) => [plan.source.table, { index, width: plan.source.key.length }]),
  );
  const copied = (table: number, key: Row) =>
    backfill.done ||
    table < backfill.table ||
    (table === backfill.table && backfill.after !== undefined && compareKeys(key, backfill.after) <= 0);
  return changes.flatMap((change) => {
    const place = order.get(change.table);
    if (place === undefined) return [];
    // Also where the copy has not come to: what the target has there is of an earlier one, and may refer to what goes.
    if (change.truncated) return [change];
    const keep = (key: Row) => copied(place.index, key) && !isSkipped(skips, change.table, key, change.id);
    // A row that is gone may go at once: the target may have it from an earlier copy, and others may refer to it.
    const gone = change.oldKey !== undefined && !isSkipped(skips, change.table, change.oldKey, change.id);
    const oldKey = gone ? change.oldKey : undefined;
    const row = change.row !== undefined && keep(change.row.slice(0, place.width)) ? change.row : undefined;
    return oldKey === undefined && row === undefined ? [] : [{ ...change, oldKey, row }];
  });
}

/** Rows that the copy has not come to: the target may have them from an earlier one. */
export function staleRows(tables: Applied[], backfill: BackfillState): Stale | undefined {
  if (backfill.done) return undefined;
  const indexes = new Map(tables.map(({ plan }, index) => [plan.source.table, index]));
  return (table, key) => {
    const index = indexes.get(table)!;
    if (index !== backfill.table) return index > backfill.table;
    return backfill.after === undefined || compareKeys(key, backfill.after) > 0;
  };
}

/** Whether a person decided to leave a row's change out; -1 stands for what the first copy met. */
export function isSkipped(skips: Skips, table: string, key: Row, id: bigint): boolean {
  const text = keyText(key);
  return (skips.get(table) ?? []).some((one) => id <= one.until && keyText(one.key) === text);
}
