import { quoted } from '../../stores/sql.ts';
import type { Column, Dialect } from '../../stores/store.ts';
import type { Field } from '../fields.ts';
import { keyOf, type TableDeclaration } from '../group.ts';
import { forwardFields, type Shapes } from '../plan.ts';
import { inPostgres } from './postgres.ts';
import { inSqlite } from './sqlite.ts';

/**
 * A field said in SQL, from the legacy side's columns to the service's. Right for the rows for which `holds` is true, and
 * for no others: it need not be true for every row that the field's functions can map, but where it is, both say the
 * same. Rows beyond it are left to the functions.
 */
export interface InSql {
  /** An expression for each column that the field fills. */
  values: string[];
  /** Conditions, all of which are to be true. */
  holds: string[];
}

/** A column of either side. */
export interface Columns {
  legacy(name: string): Column;
  service(name: string): Column;
}

/** A whole table said in SQL, towards the service. */
export interface TableInSql {
  /** In the order of the target's columns: key, owned, reference. */
  values: string[];
  holds: string[];
  /** Where a row has one in the service at all; undefined where every row has. */
  present: string | undefined;
}

/** A field for two databases of one kind; undefined where it cannot be said. */
export function fieldInSql(field: Field, columns: Columns, dialect: Dialect): InSql | undefined {
  const said = dialect === 'sqlite' ? inSqlite(field, columns) : inPostgres(field, columns);
  // A statement ends at U+0000, wherever it stands.
  return [...(said?.values ?? []), ...(said?.holds ?? [])].join().includes('\0') ? undefined : said;
}

/** A table's mapping in SQL for two databases of one kind; undefined where one of its fields cannot be said in it. */
export function tableInSql(
  table: TableDeclaration,
  shapes: Shapes,
  dialect: Dialect,
): TableInSql | undefined {
  const columns: Columns = {
    legacy: (name) => shapes.legacy.columns.get(name)!,
    service: (name) => shapes.service.columns.get(name)!,
  };
  const key = keyOf(table).map(({ from, to }): Field => ({ kind: 'copy', from, to }));
  const values: string[] = [];
  const holds: string[] = [];
  for (const field of [...key, ...forwardFields(table)]) {
    const said = fieldInSql(field, columns, dialect);
    if (said === undefined) return undefined;
    values.push(...said.values);
    holds.push(...said.holds);
  }
  const absent = table.absentWhenSet;
  return { values, holds, present: absent === undefined ? undefined : `${quoted(absent)} IS NULL` };
}
