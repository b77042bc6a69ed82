import type { Row, TargetTable, Value } from '../stores/store.ts';
import { convert, unmappable } from './convert.ts';
import { fieldsOf } from './declaration-faults.ts';
import type { TableDeclaration } from './group.ts';

/** A table's declaration, made ready to run. */
export interface TablePlan {
  source: { table: string; key: string; columns: string[]; absentWhenSet: string | undefined };
  target: TargetTable;
  /** Declared to keep the key's sequence ahead of copied keys. */
  advanceSequence: boolean;
  /**
   * The service's row (key, owned, reference columns) of a legacy row (the source's columns, key first).
   * @throws Failure `row_unmappable`
   */
  convert(legacy: Row): Row;
}

export function planTable(group: string, declaration: TableDeclaration): TablePlan {
  const fields = fieldsOf(declaration);
  const columns = [
    ...new Set([
      declaration.key.from,
      ...fields.flatMap((field) => (field.kind === 'constant' ? [] : [field.from])),
    ]),
  ];
  const sourceOf = fields.map((field) => (field.kind === 'constant' ? -1 : columns.indexOf(field.from)));
  const convertRow = (legacy: Row): Row => {
    const row: Row = [legacy[0] as Value];
    for (const [index, field] of fields.entries()) {
      try {
        row.push(convert(field, legacy[sourceOf[index]!]));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw unmappable({ group, table: declaration.from, key: legacy[0] as Value }, field, error);
      }
    }
    return row;
  };
  return {
    source: {
      table: declaration.from,
      key: declaration.key.from,
      columns,
      absentWhenSet: declaration.absentWhenSet,
    },
    target: {
      table: declaration.to,
      key: declaration.key.to,
      owned: declaration.owned.map((field) => field.to),
      reference: (declaration.reference ?? []).map((field) => field.to),
      writtenBy: declaration.writtenBy,
    },
    advanceSequence: declaration.advanceSequence ?? false,
    convert: convertRow,
  };
}
