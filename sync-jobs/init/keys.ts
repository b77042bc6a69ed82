import type { KeyColumn } from '../mapping/group.ts';
import type { Column, TableShape } from '../stores/store.ts';
import type { Known } from './introspection.ts';
import { bestPairs, likeness } from './words.ts';

/** Columns that say which row is which. */
export interface GuessedKey {
  columns: KeyColumn[];
  notes: string[];
}

/** The primary keys of both sides, or unique columns that are as many and of the same types. */
export function guessKey(legacy: Known, service: Known): GuessedKey | undefined {
  for (const from of candidates(legacy.shape)) {
    for (const to of candidates(service.shape)) {
      const columns = paired(from, to, legacy.shape, service.shape);
      if (columns === undefined) continue;
      const notes: string[] = [];
      if (from !== candidates(legacy.shape)[0])
        notes.push(`Unsure: the key of ${legacy.name} is not its primary key.`);
      if (to !== candidates(service.shape)[0])
        notes.push(`Unsure: the key of ${service.name} is not its primary key.`);
      return { columns, notes };
    }
  }
  return undefined;
}

/** Lists of columns that are unique and never NULL, the primary key first. */
function candidates({ primaryKey, unique, columns }: TableShape): string[][] {
  const never = (list: string[]) => list.every((name) => columns.get(name)!.nullable === false);
  const others = unique.filter((list) => list.join() !== primaryKey.join() && never(list));
  return primaryKey.length === 0 ? others : [primaryKey, ...others];
}

function paired(
  from: string[],
  to: string[],
  legacy: TableShape,
  service: TableShape,
): KeyColumn[] | undefined {
  if (from.length !== to.length) return undefined;
  const fits = (left: string, right: string) =>
    sameKind(legacy.columns.get(left)!, service.columns.get(right)!);
  // Those with likely names first; what is left is paired in its order.
  const score = (left: string, right: string) => (fits(left, right) ? 0.01 + likeness(left, right) : 0);
  const pairs = bestPairs(from, to, score, 0.01);
  if (pairs.length < from.length) return undefined;
  return from.map((column) => ({ from: column, to: pairs.find(({ left }) => left === column)!.right }));
}

function sameKind(left: Column, right: Column): boolean {
  const kind = ({ type, declared }: Column) => (declared === 'uuid' ? 'text' : type);
  return kind(left) === kind(right) && ['integer', 'text'].includes(kind(left));
}
