import type { Column } from '../stores/store.ts';
import type { Field, Literal } from './fields.ts';

/** The columns that a field speaks of, in its own order. */
export interface FieldColumns {
  legacy: Column[];
  service: Column[];
}

/**
 * Why a field cannot work between columns of these types, as far as that is certain whatever the rows hold. SQLite would
 * store what does not fit as it is, or as something else, and never match it again: a declared type counts there, too.
 * @param back whether it is written back.
 */
export function typeFault(field: Field, columns: FieldColumns, back: boolean): string | undefined {
  const { legacy, service } = columns;
  const [from, to] = [legacy[0], service[0]];
  switch (field.kind) {
    case 'one-way':
      return typeFault(field.field, columns, false);
    case 'copy':
      return copyFault(from!, to!);
    case 'integer':
    case 'money':
    case 'utc-time':
    case 'local-time':
      return integerFault(field.kind, to!);
    case 'split':
      return (
        textFault('split makes texts', service) ??
        (back ? textFault('split writes text back', legacy) : undefined)
      );
    case 'merge':
      return (
        textFault('merge makes text', service) ??
        (back ? textFault('merge writes texts back', legacy) : undefined)
      );
    case 'values':
      return (
        first(Object.values(field.values), (value) => literalFault(value, to!)) ??
        (back ? first(Object.keys(field.values), (value) => returnFault(value, from!)) : undefined)
      );
    case 'flags':
      return (
        first(Object.keys(field.states), (state) => literalFault(state, to!)) ??
        flagsFault(field, legacy, back)
      );
    case 'constant':
      return field.value === null ? nullFault(to!) : literalFault(field.value, to!);
    case 'legacy-constant':
      // Written once and never compared: it may be shown in another form than it was written in.
      if (!back) return undefined;
      return field.value === null ? nullFault(from!) : numberFault(field.value, from!);
    case 'pair':
      return undefined;
  }
}

/** Where the same value reads the same on both sides. SQLite keeps a boolean as an integer, and a decimal as it likes. */
const copies = new Map<Column['type'], Column['type'][]>([
  ['integer', ['integer', 'boolean', 'decimal']],
  ['boolean', ['boolean', 'integer']],
  ['real', ['real', 'decimal']],
  ['decimal', ['decimal', 'real']],
  ['text', ['text']],
  ['bytes', ['bytes']],
]);

function copyFault(source: Column, target: Column): string | undefined {
  if (source.type === 'other' || target.type === 'other') return undefined;
  return copies.get(source.type)!.includes(target.type)
    ? undefined
    : `copy of ${source.name}, which is ${source.type}, into a column that is ${target.type}`;
}

function integerFault(kind: string, { type }: Column): string | undefined {
  return type === 'integer' || type === 'other'
    ? undefined
    : `${kind} makes an integer, and the column is ${type}`;
}

/** A column for decimals takes the text of one, and shows it as text again, or as the same number. */
function textFault(makes: string, columns: Column[]): string | undefined {
  const wrong = columns.find(({ type }) => type === 'integer' || type === 'boolean');
  return wrong === undefined ? undefined : `${makes}, and ${wrong.name} is ${wrong.type}`;
}

/** A declared value in a column of the service, where it has to be found again as it was written. */
function literalFault(value: Literal, column: Column): string | undefined {
  const { name, type } = column;
  const number = typeof value === 'number';
  if (type === 'text' && number) return `${value} is a number, and ${name} is text: write '${value}'`;
  if (type === 'bytes') return `${shown(value)} is no blob, and ${name} is bytes`;
  if ((type === 'integer' || type === 'boolean') && !number) {
    return `${shown(value)} is text, and ${name} is ${type}${whole.test(value) ? `: write ${value}` : ''}`;
  }
  return numberFault(value, column);
}

const whole = /^[+-]?\d{1,19}$/;

function numberFault(value: Literal, { name, type }: Column): string | undefined {
  const numeric = type === 'integer' || type === 'real' || type === 'decimal';
  // Number('') is 0, and no database takes an empty text for one.
  if (!numeric || typeof value === 'number' || (value.trim() !== '' && !Number.isNaN(Number(value)))) {
    return undefined;
  }
  if (type !== 'integer' && /^[+-]?(nan|inf(inity)?)$/i.test(value)) return undefined;
  return `${shown(value)} is no number, and ${name} is ${type}`;
}

/** A column with a default is left out: SQLite gives a row an id of its own where it is given NULL. */
function nullFault({ name, nullable, filledByDefault }: Column): string | undefined {
  return nullable || filledByDefault ? undefined : `${name} is NOT NULL`;
}

/** What a value table writes back into a column of whole numbers is one. */
function returnFault(value: string, { name, type }: Column): string | undefined {
  if ((type !== 'integer' && type !== 'boolean') || whole.test(value)) return undefined;
  return `${shown(value)} would be written back, and ${name} is ${type}`;
}

function flagsFault(
  { from, states }: Extract<Field, { kind: 'flags' }>,
  legacy: Column[],
  back: boolean,
): string | undefined {
  return first(Object.entries(states), ([state, combination]) =>
    first([...from.entries()], ([index, column]) => {
      const value = combination[column] ?? null;
      const reason = flagFault(value, legacy[index]!, back);
      return reason === undefined ? undefined : `${state} has ${shown(value)} for ${column}, ${reason}`;
    }),
  );
}

/** A flag is compared as what its column shows, type and all: 1 is not '1'. */
function flagFault(value: Literal | null, { type, nullable }: Column, back: boolean): string | undefined {
  if (value === null) return back && !nullable ? 'which is NOT NULL' : undefined;
  const number = typeof value === 'number';
  if (type === 'text' && number) return `which is text: write '${value}'`;
  if ((type === 'integer' || type === 'boolean') && !number) return `which is ${type}`;
  return undefined;
}

function shown(value: Literal | null): string {
  return value === null ? 'NULL' : JSON.stringify(value);
}

function first<T>(all: T[], faultOf: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const fault = faultOf(one);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
