import { Failure } from '@strangler-fig/kernel/failure';
import { type GroupDeclaration, keyOf } from '../mapping/group.ts';
import { columnsUsed } from '../mapping/plan.ts';
import type { Session, TableShape } from '../stores/store.ts';

/** What of a table is logged. */
export interface Captured {
  table: string;
  key: string[];
  /** The key first. Only ever grows at its end, so that rows logged before still mean what they meant. */
  columns: string[];
}

/** A table as capture found it when it was installed. */
export interface Installed extends Captured {
  /** Another random number whenever changes may have been missed, or in another database; a feed then copies anew. */
  generation: number;
  /** All columns that the table had then. */
  had: string[];
}

export const logTable = 'strangler_log';
export const catalogTable = 'strangler_capture';

/** What the groups need logged by triggers of one side's database. */
export function wantedOf(groups: GroupDeclaration[], side: 'legacy' | 'service'): Captured[] {
  const wanted = new Map<string, Captured>();
  for (const group of groups) {
    if (side === 'legacy' && group.capture === 'decoding') continue;
    for (const declaration of group.tables) {
      const table = side === 'legacy' ? declaration.from : declaration.to;
      const key = keyOf(declaration).map((column) => (side === 'legacy' ? column.from : column.to));
      const known = wanted.get(table);
      if (known !== undefined && known.key.join() !== key.join()) {
        throw new Failure(
          'declaration_refused',
          `${table} is read by its key ${known.key.join(', ')} and, in ${group.name}, by ${key.join(', ')}.`,
          { hint: 'Declare the same key wherever a table is read.', exitCode: 2 },
        );
      }
      const columns = [...new Set([...(known?.columns ?? []), ...columnsUsed(declaration, side)])];
      wanted.set(table, { table, key, columns });
    }
  }
  return [...wanted.values()];
}

/** Columns that were logged before stay where they are; what is new comes after them. */
export function grown(wanted: Captured, installed: Installed | undefined, shape: TableShape): Captured {
  if (installed === undefined || installed.key.join() !== wanted.key.join()) return wanted;
  const kept = installed.columns.filter((column) => shape.columns.has(column));
  // A column that is gone leaves a hole that nothing can be read from: the log begins anew.
  if (kept.length < installed.columns.length) return wanted;
  return { ...wanted, columns: [...new Set([...installed.columns, ...wanted.columns])] };
}

/** What is installed, by table; nothing where capture never was. */
export async function readCatalog(session: Session, exists: boolean): Promise<Map<string, Installed>> {
  if (!exists) return new Map();
  const rows = await session.query(`SELECT tbl, key_columns, columns, had, generation FROM ${catalogTable}`);
  return new Map(
    rows.map(([table, key, columns, had, generation]) => [
      String(table),
      {
        table: String(table),
        key: JSON.parse(String(key)) as string[],
        columns: JSON.parse(String(columns)) as string[],
        had: JSON.parse(String(had)) as string[],
        generation: Number(generation),
      },
    ]),
  );
}
