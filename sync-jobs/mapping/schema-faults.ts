import type { Column, TableShape } from '../stores/store.ts';
import { type Fault, fieldsOf } from './declaration-faults.ts';
import { type Field, fieldName, legacyColumns, serviceColumns } from './fields.ts';
import { keyOf, type TableDeclaration } from './group.ts';
import type { Shapes } from './plan.ts';
import { typeFault } from './type-faults.ts';

/** What is wrong with a table's declaration against the tables as they are in both databases. All reasons at once. */
export function schemaFaults(group: string, table: TableDeclaration, { legacy, service }: Shapes): Fault[] {
  const key = keyOf(table);
  const reasons = [
    ...keyFaults(
      table.from,
      key.map(({ from }) => from),
      legacy,
    ),
    ...keyFaults(
      table.to,
      key.map(({ to }) => to),
      service,
    ),
    ...keyTypeFaults(table, legacy, service),
    ...missing(table.to, table.writtenBy, service),
    ...missing(table.from, table.absentWhenSet, legacy),
    ...fieldsOf(table).flatMap((field) => fieldFaults(table, field, legacy, service)),
  ];
  // What a field that is not there would fill is no second reason.
  if (reasons.length === 0) reasons.push(...unfilled(table, service), ...unfilledBack(table, legacy));
  return reasons.map((reason) => ({ group, table: `${table.from} -> ${table.to}`, ...reason }));
}

type Reason = Pick<Fault, 'reason'> & { field: string };

function missing(table: string, column: string | undefined, shape: TableShape): Reason[] {
  if (column === undefined || shape.columns.has(column)) return [];
  const has = [...shape.columns.keys()].join(', ');
  return [{ field: column, reason: `${table} has no column ${column}; it has ${has}` }];
}

function keyFaults(table: string, key: string[], shape: TableShape): Reason[] {
  const absent = key.flatMap((column) => missing(table, column, shape));
  if (absent.length > 0) return absent;
  const reasons: Reason[] = [];
  for (const name of key) {
    const column = shape.columns.get(name)!;
    if (!keyTypes.has(column.type) && column.declared !== 'uuid') {
      reasons.push({ field: name, reason: `the key in ${table} is neither a whole number nor text` });
    }
    if (column.nullable && !shape.primaryKey.includes(name)) {
      reasons.push({ field: name, reason: `the key in ${table} may be NULL` });
    }
  }
  const wanted = [...key].sort().join();
  if (!shape.unique.some((index) => [...index].sort().join() === wanted)) {
    reasons.push({ field: key.join(', '), reason: `the key in ${table} has no unique index of its own` });
  }
  return reasons;
}

/** A key is carried over as it is: 5 and "5" are two keys, which come in two orders. */
function keyTypeFaults(table: TableDeclaration, legacy: TableShape, service: TableShape): Reason[] {
  return keyOf(table).flatMap(({ from, to }) => {
    const types = [legacy.columns.get(from)?.type, service.columns.get(to)?.type] as const;
    if (types.some((type) => type === undefined || !keyTypes.has(type)) || types[0] === types[1]) return [];
    const reason = `the key is ${types[0]} in ${table.from} and ${types[1]} in ${table.to}`;
    return [{ field: from === to ? from : `${from} -> ${to}`, reason }];
  });
}

const keyTypes = new Set<Column['type']>(['integer', 'text']);

function fieldFaults(
  table: TableDeclaration,
  field: Field,
  legacy: TableShape,
  service: TableShape,
): Reason[] {
  const absent = [
    ...serviceColumns(field).flatMap((column) => missing(table.to, column, service)),
    ...legacyColumns(field).flatMap((column) => missing(table.from, column, legacy)),
  ];
  if (absent.length > 0) return absent.map(({ reason }) => ({ field: fieldName(field), reason }));
  const columns = {
    legacy: legacyColumns(field).map((column) => legacy.columns.get(column)!),
    service: serviceColumns(field).map((column) => service.columns.get(column)!),
  };
  const never = field.kind === 'legacy-constant' && table.rowsFrom === 'legacy';
  const reason = typeFault(field, columns, table.owned.includes(field) && !never);
  return reason === undefined ? [] : [{ field: fieldName(field), reason }];
}

function unfilled(table: TableDeclaration, service: TableShape): Reason[] {
  const filled = new Set([
    ...keyOf(table).map(({ to }) => to),
    table.writtenBy,
    ...fieldsOf(table).flatMap(serviceColumns),
  ]);
  return demanded(service, filled).map((name) => ({
    field: name,
    reason: `${table.to} demands a value (NOT NULL, no default) and no field fills it`,
  }));
}

function unfilledBack(table: TableDeclaration, legacy: TableShape): Reason[] {
  if (table.rowsFrom === 'legacy') return [];
  const back = table.owned.filter(({ kind }) => kind !== 'one-way');
  const filled = new Set([...keyOf(table).map(({ from }) => from), ...back.flatMap(legacyColumns)]);
  return demanded(legacy, filled).map((name) => ({
    field: name,
    reason:
      `${table.from} demands a value (NOT NULL, no default) that a row made by the service would not have. ` +
      "Fill it with a field or legacyConstant(…), or say rowsFrom: 'legacy' if the service never makes rows",
  }));
}

function demanded(shape: TableShape, filled: Set<string | undefined>): string[] {
  return [...shape.columns.values()]
    .filter((column) => !column.nullable && !column.filledByDefault && !filled.has(column.name))
    .map((column) => column.name);
}
