import type { Limit } from '../check/limits.ts';
import { legacyColumns } from '../mapping/fields.ts';
import type { TableDeclaration } from '../mapping/group.ts';
import type { Store } from '../stores/store.ts';
import { canBe, type GuessedField, guessField, senseOf, withZone } from './field-guess.ts';
import { guessKey } from './keys.ts';
import type { TablePair } from './tables.ts';
import { bestPairs, likeness, wordsOf } from './words.ts';

/** One pair of tables, drafted. */
export interface DraftTable {
  pair: TablePair;
  /** Undefined where no key was found. */
  declaration: TableDeclaration | undefined;
  /** Of the whole table. */
  notes: string[];
  fields: GuessedField[];
  /** What is left on either side, as a line each. */
  unmapped: string[];
}

/** Columns alike enough to be put together. */
const least = 0.5;

export async function draftTable(
  pair: TablePair,
  all: TablePair[],
  legacyStore: Store,
  serviceStore: Store,
): Promise<DraftTable> {
  const { legacy, service } = pair;
  const notes = pair.sure
    ? []
    : [`Unsure: that ${legacy.name} is ${service.name} is a guess from the names of their columns.`];
  const key = guessKey(legacy, service);
  if (key === undefined) {
    notes.push(
      `No key was found for ${legacy.name} -> ${service.name}: each needs unique columns, as many and of the same types, ` +
        'whole numbers or text.',
    );
    return { pair, declaration: undefined, notes, fields: [], unmapped: [] };
  }
  notes.push(...key.notes);
  const writtenBy = [...service.shape.columns.values()].find(
    ({ name, type }) => name === 'written_by' && type === 'text',
  )?.name;
  const free = (limits: Map<string, Limit>, taken: (string | undefined)[]) =>
    [...limits.values()].filter(({ column }) => !taken.includes(column));
  const from = free(
    legacy.limits,
    key.columns.map((column) => column.from),
  );
  const to = free(service.limits, [...key.columns.map((column) => column.to), writtenBy]);
  const matched = matchColumns(pair, all, from, to);
  const fields: GuessedField[] = [];
  // In the order of the legacy table's columns, as a person reads them.
  for (const one of matched.sort((a, b) => from.indexOf(a.left) - from.indexOf(b.left))) {
    const places = [
      { store: legacyStore, table: legacy.name },
      { store: serviceStore, table: service.name },
    ] as const;
    const guessed = await guessField(...places, one.left, one.right);
    const unsure =
      one.reason === undefined ? [] : [`Unsure: ${one.left.column} and ${one.right.column} ${one.reason}.`];
    fields.push({ field: guessed.field, notes: [...unsure, ...guessed.notes] });
  }
  const left = from.filter((column) => matched.every((one) => one.left !== column));
  const right = to.filter((column) => matched.every((one) => one.right !== column));
  const gone = left.find(isSoftDelete);
  if (gone !== undefined)
    notes.push(`Unsure: takes a row whose ${gone.column} is set for deleted; the service has no such row.`);
  const unwritten = fields.flatMap(({ field }) => (field.kind === 'one-way' ? legacyColumns(field) : []));
  const required = from.filter((limit) => {
    const { column } = limit;
    if (!left.includes(limit) && !unwritten.includes(column)) return false;
    const { nullable, filledByDefault } = legacy.shape.columns.get(column)!;
    return !nullable && !filledByDefault;
  });
  if (required.length > 0) {
    const names = required.map(({ column }) => column).join(', ');
    notes.push(
      `Rows come and go at the legacy side only, because no field fills its ${names}. If the service makes rows, fill ` +
        'them with fields or legacyConstant(…), and take rowsFrom out.',
    );
  }
  const [single] = key.columns;
  const drawn =
    required.length === 0 &&
    key.columns.length === 1 &&
    [legacy.shape.columns.get(single!.from)!, service.shape.columns.get(single!.to)!].every(
      ({ type, filledByDefault }) => type === 'integer' && filledByDefault,
    );
  return {
    pair,
    declaration: {
      from: legacy.name,
      to: service.name,
      key: key.columns.length === 1 ? single! : key.columns,
      ...(writtenBy === undefined ? {} : { writtenBy }),
      ...(required.length === 0 ? {} : { rowsFrom: 'legacy' as const }),
      ...(gone === undefined ? {} : { absentWhenSet: gone.column }),
      ...(drawn ? { advanceSequence: true } : {}),
      owned: fields.map(({ field }) => field),
    },
    notes,
    fields,
    unmapped: unmappedLines(
      pair,
      left.filter((column) => column !== gone),
      right,
      serviceStore.dialect === 'postgres',
    ),
  };
}

interface Match {
  left: Limit;
  right: Limit;
  /** Why it is a guess; undefined where the names say it. */
  reason: string | undefined;
}

function matchColumns(pair: TablePair, all: TablePair[], from: Limit[], to: Limit[]): Match[] {
  const related = relatedColumns(pair, all);
  const score = (left: Limit, right: Limit) => {
    if (!canBe(left, right)) return 0;
    return related.get(left.column) === right.column ? 0.99 : likeness(left.column, right.column);
  };
  const matched: Match[] = bestPairs(from, to, score, least).map(({ left, right, score }) => ({
    left,
    right,
    reason: score >= 0.9 ? undefined : 'are alike in name only',
  }));
  // The only time on one side that is left, and the only one on the other.
  const left = from.filter(
    (column) => matched.every((one) => one.left !== column) && senseOf(column) === 'time',
  );
  const right = to.filter(
    (column) => matched.every((one) => one.right !== column) && senseOf(column) === 'time',
  );
  const [one, other] = [left[0], right[0]];
  if (left.length === 1 && right.length === 1 && !isSoftDelete(one!) && canBe(one!, other!)) {
    matched.push({ left: one!, right: other!, reason: 'are each the only time that is left' });
  }
  return matched;
}

/** Columns that refer to tables which are each other's, on either side. */
function relatedColumns({ legacy, service }: TablePair, all: TablePair[]): Map<string, string> {
  const related = new Map<string, string>();
  for (const reference of legacy.references) {
    const target = all.find((pair) => pair.legacy.name.toLowerCase() === reference.table.toLowerCase());
    const same = service.references.filter(({ table }) => table === target?.service.name);
    if (same.length !== 1 || same[0]!.columns.length !== reference.columns.length) continue;
    for (const [index, column] of reference.columns.entries()) related.set(column, same[0]!.columns[index]!);
  }
  return related;
}

function isSoftDelete({ column, nullable }: Limit): boolean {
  const words = wordsOf(column);
  return nullable && ['deleted', 'removed'].includes(words[0]!) && words.at(-1) !== 'by';
}

function unmappedLines(
  { legacy, service }: TablePair,
  left: Limit[],
  right: Limit[],
  exact: boolean,
): string[] {
  return [
    ...left.map((limit) => {
      const why = withZone(limit) ? '; no field reads a time with a zone, so write a pair(…)' : '';
      return `${legacy.name}.${limit.column} (${limit.declared}) goes nowhere${why}.`;
    }),
    ...right.map(({ column, declared, nullable }) => {
      const filled = service.shape.columns.get(column)!.filledByDefault;
      const type = exact || declared !== '' ? ` (${declared})` : '';
      if (filled) return `${service.name}.${column}${type} takes its default in rows from the legacy side.`;
      return nullable
        ? `${service.name}.${column}${type} stays NULL in rows from the legacy side.`
        : `${service.name}.${column}${type} needs a value: constant('${column}', …), or a field.`;
    }),
  ];
}
