import { Failure } from '@strangler-fig/kernel/failure';
import { canPark } from '../apply/parking.ts';
import type { Column, TableShape } from '../stores/store.ts';
import { type Row, shownKey, type Value } from '../stores/value.ts';
import { type Field, fieldName, legacyColumns, serviceColumns } from './fields.ts';
import { type Direction, type GroupDeclaration, keyOf, type TableDeclaration } from './group.ts';
import { type TwoWay, twoWay } from './two-way.ts';

/** A table that rows are read from, as capture and reads need it. */
export interface SourceTable {
  table: string;
  /** The first columns. */
  key: string[];
  /** What is read of each row, the key first. No column twice. */
  columns: string[];
  types: Column['type'][];
}

/** A table that rows are written to. */
export interface TargetTable {
  table: string;
  key: string[];
  /** What a converted row fills: the key, then the owned columns, then those that stay the legacy side's. */
  columns: string[];
  types: Column['type'][];
  /** As the database declares them; PostgreSQL's arrays need it. */
  declared: string[];
  /** How many of the columns are key and owned ones: the rest is reference. */
  referenceFrom: number;
  /** Filled in new rows only, with a value each. */
  onInsert: { column: string; declared: string; value: Value }[];
  /** Says who wrote a row last, where the service keeps that. */
  writtenBy: string | undefined;
  /** A row is absent when this is set; a removal sets it. */
  absentWhenSet: { column: string; type: Column['type'] } | undefined;
  /** Rows are never made nor removed here. */
  updateOnly: boolean;
  /** Keep the key's sequence above every key. */
  advanceSequence: boolean;
  /** Unique indexes other than the key, as far as all of their columns are written. */
  unique: string[][];
  /** Columns of unique indexes other than the key, with what may stand in them for a moment. */
  parking: { column: string; type: Column['type']; declared: string; nullable: boolean }[];
}

/** One table of a group in one direction, made ready to run. */
export interface TablePlan {
  group: string;
  direction: Direction;
  source: SourceTable;
  target: TargetTable;
  /**
   * The target's row of a row of the source, or undefined where it has none there (a soft delete).
   * @throws Failure `row_unmappable`, naming the row and the field.
   */
  convert(row: Row): Row | undefined;
}

/** Both shapes that a table's plan rests on. */
export interface Shapes {
  legacy: TableShape;
  service: TableShape;
}

/** The plan of a table; its declaration was found to fit the shapes before. */
export function planTable(
  group: GroupDeclaration,
  table: TableDeclaration,
  direction: Direction,
  shapes: Shapes,
): TablePlan {
  return direction === 'forward' ? planForward(group, table, shapes) : planBack(group, table, shapes);
}

interface Part {
  field: Field;
  run: TwoWay;
}

/** The fields that fill a row of the service, in the order of its plan's columns behind the key. */
export function forwardFields(table: TableDeclaration): Field[] {
  return [...ownedForward(table), ...(table.reference ?? [])];
}

function ownedForward({ owned }: TableDeclaration): Field[] {
  return owned.filter((field) => serviceColumns(field).length > 0);
}

function partsOf(fields: Field[], legacy: TableShape): Part[] {
  return fields.map((field) => ({ field, run: twoWay(field, legacy) }));
}

function planForward(group: GroupDeclaration, table: TableDeclaration, shapes: Shapes): TablePlan {
  const owned = partsOf(ownedForward(table), shapes.legacy);
  const reference = partsOf(table.reference ?? [], shapes.legacy);
  const key = keyOf(table);
  const keyFrom = key.map(({ from }) => from);
  const columns = unique([
    ...keyFrom,
    ...[...owned, ...reference].flatMap(({ run }) => run.legacy),
    ...(table.absentWhenSet === undefined ? [] : [table.absentWhenSet]),
  ]);
  const ownedColumns = owned.flatMap(({ run }) => run.service);
  const referenceColumns = reference.flatMap(({ run }) => run.service);
  const absent = table.absentWhenSet === undefined ? -1 : columns.indexOf(table.absentWhenSet);
  const convertFields = converter(
    group.name,
    table.from,
    columns,
    key.length,
    [...owned, ...reference],
    true,
  );
  return {
    group: group.name,
    direction: 'forward',
    source: { table: table.from, key: keyFrom, columns, types: typesOf(shapes.legacy, columns) },
    target: {
      table: table.to,
      ...targetColumns(
        shapes.service,
        key.map(({ to }) => to),
        [...ownedColumns, ...referenceColumns],
      ),
      referenceFrom: key.length + ownedColumns.length,
      onInsert: [],
      writtenBy: table.writtenBy,
      absentWhenSet: undefined,
      updateOnly: false,
      advanceSequence: table.advanceSequence ?? false,
    },
    convert: (row) => (absent !== -1 && row[absent] !== null ? undefined : convertFields(row)),
  };
}

function planBack(group: GroupDeclaration, table: TableDeclaration, shapes: Shapes): TablePlan {
  const all = partsOf(table.owned, shapes.legacy);
  const owned = all.filter(({ run }) => !run.forwardOnly && !run.backOnly);
  const key = keyOf(table);
  const keyTo = key.map(({ to }) => to);
  const columns = unique([...keyTo, ...owned.flatMap(({ run }) => run.service)]);
  const legacyOnly = all.filter(({ run }) => run.backOnly);
  return {
    group: group.name,
    direction: 'back',
    source: { table: table.to, key: keyTo, columns, types: typesOf(shapes.service, columns) },
    target: {
      table: table.from,
      ...targetColumns(
        shapes.legacy,
        key.map(({ from }) => from),
        owned.flatMap(({ run }) => run.legacy),
      ),
      referenceFrom: Number.POSITIVE_INFINITY,
      onInsert: legacyOnly.flatMap(({ run }) =>
        run.legacy.map((column) => ({
          column,
          declared: shapes.legacy.columns.get(column)!.declared,
          value: run.toLegacy([])[0] ?? null,
        })),
      ),
      writtenBy: undefined,
      absentWhenSet:
        table.absentWhenSet === undefined
          ? undefined
          : { column: table.absentWhenSet, type: shapes.legacy.columns.get(table.absentWhenSet)!.type },
      updateOnly: table.rowsFrom === 'legacy',
      advanceSequence: table.advanceSequence ?? false,
    },
    convert: converter(group.name, table.to, columns, key.length, owned, false),
  };
}

function targetColumns(
  shape: TableShape,
  key: string[],
  others: string[],
): Pick<TargetTable, 'key' | 'columns' | 'types' | 'declared' | 'unique' | 'parking'> {
  const columns = [...key, ...others];
  const parked = [...shape.unique, ...shape.guarded]
    .filter((index) => !index.every((column) => key.includes(column)))
    .map((index) => toPark(index, others, shape))
    .filter((column) => column !== undefined);
  return {
    key,
    columns,
    types: typesOf(shape, columns),
    declared: columns.map((column) => shape.columns.get(column)!.declared),
    unique: shape.unique.filter(
      (index) =>
        index.every((column) => columns.includes(column)) && !index.every((column) => key.includes(column)),
    ),
    parking: unique(parked).map((column) => {
      const { type, declared, nullable } = shape.columns.get(column)!;
      return { column, type, declared, nullable };
    }),
  };
}

/** The column of a unique index that rows let go of: not one that has to refer to a row, and rather one that may be NULL. */
function toPark(index: string[], others: string[], shape: TableShape): string | undefined {
  const possible = index.filter((column) => others.includes(column) && canPark(shape.columns.get(column)!));
  return (
    possible.find((column) => shape.columns.get(column)!.nullable) ??
    possible.findLast((column) => !shape.referring.has(column))
  );
}

function converter(
  group: string,
  table: string,
  columns: string[],
  keyLength: number,
  parts: Part[],
  forward: boolean,
): (row: Row) => Row {
  const steps = parts.map(({ field, run }) => ({
    field,
    at: (forward ? run.legacy : run.service).map((column) => columns.indexOf(column)),
    run: forward ? run.toService : run.toLegacy,
  }));
  return (row) => {
    const made = row.slice(0, keyLength);
    for (const { field, at, run } of steps) {
      try {
        made.push(...run(at.map((index) => row[index]!)));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw unmappable({ group, table, key: row.slice(0, keyLength) }, field, error);
      }
    }
    return made;
  };
}

/** The failure that names the row and the field; the group stops there until the row or the mapping is mended. */
function unmappable(
  where: { group: string; table: string; key: Row },
  field: Field,
  error: RangeError,
): Failure {
  return new Failure(
    'row_unmappable',
    `${where.group}: row ${shownKey(where.key)} of ${where.table} cannot be mapped by ${fieldName(field)}: ${error.message}.`,
    { hint: `Correct the row, or the field ${fieldName(field)} in the group's declaration.`, cause: error },
  );
}

function typesOf(shape: TableShape, columns: string[]): Column['type'][] {
  return columns.map((column) => shape.columns.get(column)!.type);
}

function unique(names: string[]): string[] {
  return [...new Set(names)];
}

/** Every column of either side that a declaration speaks of; what capture has to log. */
export function columnsUsed(table: TableDeclaration, side: 'legacy' | 'service'): string[] {
  const key = keyOf(table).map((column) => (side === 'legacy' ? column.from : column.to));
  const fields =
    side === 'legacy'
      ? [...table.owned, ...(table.reference ?? [])].filter(({ kind }) => kind !== 'legacy-constant')
      : table.owned.filter(({ kind }) => kind !== 'constant' && kind !== 'one-way');
  const columns = fields.flatMap(side === 'legacy' ? legacyColumns : serviceColumns);
  const absent = side === 'legacy' && table.absentWhenSet !== undefined ? [table.absentWhenSet] : [];
  return unique([...key, ...columns, ...absent]);
}
