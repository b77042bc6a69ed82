import { type Field, fieldName, legacyColumns, serviceColumns, type TimeForm } from './fields.ts';
import { type GroupDeclaration, keyOf, type TableDeclaration } from './group.ts';

/** One reason why a declaration cannot be used. */
export interface Fault {
  group: string;
  /** Legacy table -> service table. */
  table?: string;
  /** The column or field concerned. */
  field?: string;
  reason: string;
}

/** A fault as one line: `profile: users -> profiles: city: …`. */
export function faultLine({ group, table, field, reason }: Fault): string {
  return [group, table, field, reason].filter((part) => part !== undefined).join(': ');
}

/** All fields of a table's declaration. */
export function fieldsOf(table: TableDeclaration): Field[] {
  return [...table.owned, ...(table.reference ?? [])];
}

/** What is wrong with declarations on their own, before any database is asked. All reasons at once. */
export function declarationFaults(groups: GroupDeclaration[]): Fault[] {
  return [
    ...groupFaults(groups),
    ...groups.flatMap((group) => group.tables.flatMap((table) => tableFaults(group, table))),
  ];
}

function groupFaults(groups: GroupDeclaration[]): Fault[] {
  const faults: Fault[] = [];
  const names = new Set<string>();
  const filled = new Map<string, string>();
  for (const { name, tables, capture } of groups) {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
      faults.push({ group: name, reason: 'a group name is lower-case letters, digits and dashes' });
    }
    if (names.has(name)) faults.push({ group: name, reason: 'there are two groups of this name' });
    names.add(name);
    if (tables.length === 0) faults.push({ group: name, reason: 'it declares no table' });
    if (capture !== undefined && capture !== 'triggers' && capture !== 'decoding') {
      faults.push({ group: name, reason: "capture is 'triggers' or 'decoding'" });
    }
    for (const { from, to } of tables) {
      const place = `${name}/${to}`;
      const other = filled.get(place);
      if (other !== undefined) {
        faults.push({
          group: name,
          table: `${from} -> ${to}`,
          reason: `${to} is filled from ${other} already`,
        });
      }
      filled.set(place, from);
    }
  }
  return faults;
}

function tableFaults({ name }: GroupDeclaration, table: TableDeclaration): Fault[] {
  const faults: Fault[] = [];
  const where = { group: name, table: `${table.from} -> ${table.to}` };
  const key = keyOf(table);
  const onService = new Map(key.map(({ to }) => [to, 'the key']));
  const onLegacy = new Map(key.map(({ from }) => [from, 'the key']));
  if (key.length === 0) faults.push({ ...where, reason: 'it has no key' });
  if (table.writtenBy !== undefined) {
    if (onService.has(table.writtenBy)) {
      faults.push({
        ...where,
        field: table.writtenBy,
        reason: 'the key cannot say who wrote the row as well',
      });
    }
    onService.set(table.writtenBy, 'the column that says who wrote the row');
  }
  if (table.absentWhenSet !== undefined)
    onLegacy.set(table.absentWhenSet, 'the column that says it is absent');
  for (const field of fieldsOf(table)) {
    for (const column of serviceColumns(field)) {
      const owner = onService.get(column);
      if (owner !== undefined) {
        faults.push({ ...where, field: column, reason: `two fields fill it; it is ${owner} already` });
      }
      onService.set(column, describe(field));
    }
    const reason = fieldFault(field) ?? (table.owned.includes(field) ? lossFault(field) : undefined);
    if (reason !== undefined) faults.push({ ...where, field: fieldName(field), reason });
  }
  for (const field of table.owned.filter(({ kind }) => kind !== 'one-way')) {
    for (const column of legacyColumns(field)) {
      const owner = onLegacy.get(column);
      if (owner !== undefined) {
        const reason = `two fields would write it back; it is ${owner} already. Make one of them oneWay(…)`;
        faults.push({ ...where, field: column, reason });
      }
      onLegacy.set(column, describe(field));
    }
  }
  for (const field of table.reference ?? []) {
    if (field.kind === 'legacy-constant' || field.kind === 'one-way') {
      const reason = 'a reference is never written back: it needs neither legacyConstant nor oneWay';
      faults.push({ ...where, field: fieldName(field), reason });
    }
  }
  return faults;
}

function describe(field: Field): string {
  if (field.kind === 'constant' || field.kind === 'legacy-constant') return 'a constant';
  return `that of ${fieldName(field)}`;
}

function fieldFault(field: Field): string | undefined {
  switch (field.kind) {
    case 'constant':
    case 'legacy-constant':
      return inexact([field.value]);
    case 'one-way':
      if (field.reason.trim() === '') return 'a field that is not written back says why';
      if (field.field.kind === 'legacy-constant') {
        return 'a legacyConstant that is not written back says and does nothing: take it out, or take oneWay away';
      }
      return fieldFault(field.field);
    case 'values':
      return valuesFault(field.values, field.back);
    case 'flags':
      return flagsFault(field.states);
    case 'money':
      return Number.isInteger(field.decimals) && field.decimals >= 0 && field.decimals <= 18
        ? undefined
        : 'the number of decimals is 0 to 18';
    case 'utc-time':
      return timeFault(field);
    case 'local-time':
      return timeFault(field) ?? zoneFault(field.zone);
    case 'split':
    case 'merge':
      return field.separator === '' ? 'the separator is empty' : undefined;
    default:
      return undefined;
  }
}

/** What does not come back, of a field that is written back. */
function lossFault(field: Field): string | undefined {
  if ((field.kind !== 'utc-time' && field.kind !== 'local-time') || field.finer !== 'cut') return undefined;
  const call = field.kind === 'utc-time' ? 'utcTime' : 'localTime';
  return (
    `finer: 'cut' drops digits that do not come back. Write oneWay(${call}(…), 'why that loses nothing'), ` +
    "or precision: 'microseconds', which loses nothing and has the service count microseconds"
  );
}

function timeFault({ precision, finer }: TimeForm): string | undefined {
  if (!['seconds', 'milliseconds', 'microseconds'].includes(precision)) {
    return "precision is 'seconds', 'milliseconds' or 'microseconds'";
  }
  return finer === 'refused' || finer === 'cut' ? undefined : "finer is 'refused' or 'cut'";
}

function valuesFault(
  table: Record<string, string | number>,
  back: Record<string, string>,
): string | undefined {
  const entries = Object.entries(table);
  if (entries.length === 0) return 'its value table is empty';
  const seen = new Map<string, string>();
  for (const [from, to] of entries) {
    // As text, because a column holds one of 7 and "7", and what comes back from it is looked up as text.
    const other = seen.get(String(to));
    if (other !== undefined) {
      return `its value table is not one-to-one: ${other} and ${from} both become ${JSON.stringify(to)}`;
    }
    seen.set(String(to), from);
  }
  for (const [service, legacy] of Object.entries(back)) {
    if (!Object.hasOwn(table, legacy)) {
      return `back says ${service} is ${legacy} in the legacy table, which is not in the value table`;
    }
    if (entries.some(([, to]) => String(to) === service)) {
      return `back lists ${service}, which the value table has already`;
    }
  }
  return inexact(entries.map(([, to]) => to));
}

function flagsFault(states: Record<string, Record<string, string | number | null>>): string | undefined {
  const seen = new Map<string, string>();
  const columns = Object.keys(Object.values(states)[0] ?? {});
  if (columns.length === 0) return 'it lists no state';
  for (const [state, combination] of Object.entries(states)) {
    const missing = columns.find((column) => !Object.hasOwn(combination, column));
    if (missing !== undefined || Object.keys(combination).length !== columns.length) {
      return `${state} has to give a value for each of ${columns.join(', ')}`;
    }
    const text = JSON.stringify(columns.map((column) => combination[column]));
    const other = seen.get(text);
    if (other !== undefined) return `${other} and ${state} are the same combination`;
    seen.set(text, state);
  }
  return undefined;
}

function zoneFault(zone: string): string | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return undefined;
  } catch {
    return `${zone} is not a time zone; one is Europe/Berlin`;
  }
}

function inexact(declared: (string | number | null)[]): string | undefined {
  const wrong = declared.find((value) => typeof value === 'number' && !Number.isSafeInteger(value));
  return wrong === undefined ? undefined : `${wrong} is not a whole number below 2^53`;
}
