import type { Column, TableShape } from '../stores/store.ts';
import { type Fault, fieldsOf } from './declaration-faults.ts';
import type { Field } from './fields.ts';
import type { TableDeclaration } from './group.ts';

/** What is wrong with a table's declaration against the tables as they are in both databases. All reasons at once. */
export function schemaFaults(
  group: string,
  table: TableDeclaration,
  legacy: TableShape,
  service: TableShape,
): Fault[] {
  const fields = fieldsOf(table);
  const reasons = [
    ...keyFaults(table.from, table.key.from, legacy),
    ...keyFaults(table.to, table.key.to, service),
    ...missing(table.to, table.writtenBy, service),
    ...(table.absentWhenSet === undefined ? [] : missing(table.from, table.absentWhenSet, legacy)),
    ...fields.flatMap((field) => fieldFaults(table, field, legacy, service)),
    ...unfilled(table, fields, service),
  ];
  return reasons.map((reason) => ({ group, table: `${table.from} -> ${table.to}`, ...reason }));
}

type Reason = Pick<Fault, 'field' | 'reason'> & { field: string };

function missing(table: string, column: string, shape: TableShape, field = column): Reason[] {
  if (shape.has(column)) return [];
  return [{ field, reason: `${table} has no column ${column}; it has ${[...shape.keys()].join(', ')}` }];
}

function keyFaults(table: string, key: string, shape: TableShape): Reason[] {
  const column = shape.get(key);
  if (column === undefined) return missing(table, key, shape);
  const reasons: Reason[] = [];
  if (column.type !== 'integer')
    reasons.push({ field: key, reason: `the key in ${table} is not an integer column` });
  if (!column.unique)
    reasons.push({ field: key, reason: `the key in ${table} has no unique index of its own` });
  if (column.nullable) reasons.push({ field: key, reason: `the key in ${table} may be NULL` });
  return reasons;
}

function fieldFaults(
  table: TableDeclaration,
  field: Field,
  legacy: TableShape,
  service: TableShape,
): Reason[] {
  const reasons = missing(table.to, field.to, service);
  if (field.kind !== 'constant') reasons.push(...missing(table.from, field.from, legacy, field.to));
  if (reasons.length > 0) return reasons;
  const source = field.kind === 'constant' ? undefined : legacy.get(field.from);
  const reason = typeFault(field, source, service.get(field.to)!);
  return reason === undefined ? [] : [{ field: field.to, reason }];
}

/** What a field makes must fit the column's type; SQLite would otherwise store it as it is and never match again. */
function typeFault(field: Field, source: Column | undefined, target: Column): string | undefined {
  if (target.type === 'other') return undefined;
  if (field.kind === 'integer' || field.kind === 'utc-time') {
    return target.type === 'integer'
      ? undefined
      : `${field.kind} makes an integer, and the column is ${target.type}`;
  }
  if (
    field.kind === 'copy' &&
    source !== undefined &&
    source.type !== 'other' &&
    source.type !== target.type
  ) {
    return `copy of ${source.name}, which is ${source.type}, into a column that is ${target.type}`;
  }
  return undefined;
}

function unfilled(table: TableDeclaration, fields: Field[], service: TableShape): Reason[] {
  const filled = new Set([table.key.to, table.writtenBy, ...fields.map((field) => field.to)]);
  return [...service.values()]
    .filter((column) => !column.nullable && !column.filledByDefault && !filled.has(column.name))
    .map((column) => ({
      field: column.name,
      reason: `${table.to} demands a value (NOT NULL, no default) and no field fills it`,
    }));
}
