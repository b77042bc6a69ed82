import { type Field, fieldName } from '../mapping/fields.ts';
import type { Direction } from '../mapping/group.ts';
import type { TwoWay } from '../mapping/two-way.ts';
import { encodeRow, type Row, sameValue, shownKey, shownValue, type Value } from '../stores/value.ts';
import type { Constraint, Made } from './constraints.ts';
import type { Findings } from './findings.ts';
import { type Limit, misfit } from './limits.ts';
import type { FindingKind } from './report.ts';
import type { Seen } from './seen.ts';

/** A field as it is measured in one direction. */
export interface Part {
  field: Field | 'key';
  name: string;
  /** Where its source columns are in a row. */
  at: number[];
  there: TwoWay['toService'];
  /** The way back; undefined where nothing goes back. */
  backAgain: TwoWay['toLegacy'] | undefined;
  source: Limit[];
  target: Limit[];
}

/** Columns of the target of which two rows must not have the same values, or which rows of others refer to. */
export interface Tracked {
  /** The name under which values are remembered: of one table and list of columns. */
  name: string;
  columns: string[];
}

/** What the target's row has to be measured against, beside its columns. */
export interface Rules {
  /** Columns that hold the same in every row, beside those that fields fill. */
  fixed: [column: string, value: Value][];
  constraints: Constraint[];
  /** Constraints that cannot be asked of what the fields make, and why. */
  unasked: string[];
  /** Unique indexes. */
  unique: Tracked[];
  /** Lists of columns that other tables of the group refer to. */
  referred: Tracked[];
  /** Foreign keys; `name` is that of the list that they refer to. */
  references: (Tracked & { table: string })[];
  /** Columns that a condition is put on which no type tells: nothing of them is proven. */
  conditioned: ReadonlySet<string>;
}

/** Runs every field over a row of the source. Gives the values that its columns in the target would hold as they are. */
export function measureRow(
  row: Row,
  key: Row,
  parts: Part[],
  rules: Rules,
  findings: Findings,
  seen: Seen,
): Made {
  const made: Made = new Map(rules.fixed);
  for (const part of parts) {
    const values = part.at.map((index) => row[index]!);
    measureField(part, values, key, findings, made);
  }
  const place = encodeRow(key);
  for (const { name, columns } of rules.referred) {
    const values = columns.map((column) => made.get(column) ?? null);
    seen.add(`referred ${name}`, values, place);
  }
  for (const { name, columns } of rules.unique) {
    const values = columns.map((column) => made.get(column) ?? null);
    // NULL is not the same as NULL for a unique index.
    if (values.includes(null)) continue;
    const first = seen.add(`unique ${name}`, values, shownKey(key));
    if (first !== undefined) {
      findings.add({
        kind: 'duplicate',
        field: columns.join(', '),
        fields: filling(parts, columns),
        key,
        value: shownKey(values),
        result: first,
      });
    }
  }
  for (const { name, columns, table } of rules.references) {
    const values = columns.map((column) => made.get(column) ?? null);
    if (values.includes(null) || seen.has(`referred ${name}`, values)) continue;
    const result = `${table} would have no such row`;
    const fields = filling(parts, columns);
    findings.add({ kind: 'orphan', field: columns.join(', '), fields, key, value: shownKey(values), result });
  }
  return made;
}

/** The names of the fields that fill any of the columns. */
export function filling(parts: Part[], columns: string[]): string[] {
  return parts
    .filter(({ target }) => target.some(({ column }) => columns.includes(column)))
    .map(({ name }) => name);
}

function measureField(part: Part, values: Row, key: Row, findings: Findings, made: Made): void {
  const shown = values.map(shownValue).join(' and ');
  const found = (kind: FindingKind, value: string, result: string) =>
    findings.add({ kind, field: part.name, fields: [part.name], key, value, result });
  let result: Row;
  try {
    result = part.there(values);
    if (result.length !== part.target.length) {
      throw new RangeError(`it gives ${result.length} values for ${part.target.length} columns`);
    }
  } catch (error) {
    found(refusal(part.field), shown, reasonOf(error));
    return;
  }
  for (const [index, limit] of part.target.entries()) {
    const reason = misfit(result[index]!, limit);
    if (reason === undefined) made.set(limit.column, result[index]!);
    else found(reason.kind, shownValue(result[index]), reason.reason);
  }
  if (part.backAgain === undefined) return;
  try {
    const again = part.backAgain(result);
    const same = values.every((value, index) => restored(value, again[index] ?? null, part.source[index]!));
    if (!same) found(changeOf(part.field, values, again), shown, again.map(shownValue).join(' and '));
  } catch (error) {
    found('not-restored', shown, `nothing, because ${reasonOf(error)}`);
  }
}

/** Whether a database would show the value that came back as the one that was there. */
function restored(was: Value, is: Value, { dialect, type }: Limit): boolean {
  if (sameValue(was, is, type === 'decimal' || type === 'real')) return true;
  // PostgreSQL shows no zeros at a fraction's end, whatever was written.
  const isTime =
    dialect === 'postgres' && type === 'other' && typeof was === 'string' && typeof is === 'string';
  return isTime && withoutZeros(was) === withoutZeros(is);
}

function withoutZeros(time: string): string {
  return time.replace(
    /(:\d\d)\.(\d*?)0+$/,
    (_, seconds, digits) => seconds + (digits === '' ? '' : `.${digits}`),
  );
}

function kindOf(field: Part['field']): string {
  if (field === 'key') return 'key';
  return field.kind === 'one-way' ? kindOf(field.field) : field.kind;
}

function refusal(field: Part['field']): FindingKind {
  const kind = kindOf(field);
  if (kind === 'values' || kind === 'flags') return 'unlisted';
  return kind === 'merge' || kind === 'split' ? 'separator' : 'unmappable';
}

function changeOf(field: Part['field'], [was]: Row, [is]: Row): FindingKind {
  if (field !== 'key' && field.kind === 'values' && Object.hasOwn(field.back, String(was)))
    return 'declared-loss';
  const kind = kindOf(field);
  if (kind !== 'utc-time' && kind !== 'local-time') return 'not-restored';
  if (typeof was === 'string' && typeof is === 'string' && was.startsWith(is)) return 'time-cut';
  const cut = typeof was === 'bigint' && typeof is === 'bigint' && was > is && was - is < 1_000n;
  return cut ? 'time-cut' : 'not-restored';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A direction's parts of a table's fields. */
export function partOf(
  field: Field,
  run: TwoWay,
  direction: Direction,
  columns: string[],
  limits: { source: Map<string, Limit>; target: Map<string, Limit> },
  writtenBack: boolean,
): Part {
  const [from, to] = direction === 'forward' ? [run.legacy, run.service] : [run.service, run.legacy];
  return {
    field,
    name: fieldName(field),
    at: from.map((column) => columns.indexOf(column)),
    there: direction === 'forward' ? run.toService : run.toLegacy,
    backAgain: writtenBack ? (direction === 'forward' ? run.toLegacy : run.toService) : undefined,
    source: from.map((column) => limits.source.get(column)!),
    target: to.map((column) => limits.target.get(column)!),
  };
}

/** A key's column, which is copied as it is. */
export function keyPart(index: number, name: string, source: Limit, target: Limit): Part {
  const same = (values: Row) => values;
  return {
    field: 'key',
    name,
    at: [index],
    there: same,
    backAgain: undefined,
    source: [source],
    target: [target],
  };
}
