import { literal } from './convert.ts';
import type { Field } from './fields.ts';
import type { GroupDeclaration, TableDeclaration } from './group.ts';

/** One reason why a declaration cannot be used. */
export interface Fault {
  group: string;
  /** Legacy table -> service table. */
  table?: string;
  /** The column concerned. */
  field?: string;
  reason: string;
}

/** A fault as one line: `profile: users -> profiles: city: …`. */
export function faultLine({ group, table, field, reason }: Fault): string {
  return [group, table, field, reason].filter((part) => part !== undefined).join(': ');
}

/** The columns that a declaration fills in the service's table, with their fields. */
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
  for (const { name, tables } of groups) {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
      faults.push({ group: name, reason: 'a group name is lower-case letters, digits and dashes' });
    }
    if (names.has(name)) faults.push({ group: name, reason: 'there are two groups of this name' });
    names.add(name);
    if (tables.length === 0) faults.push({ group: name, reason: 'it declares no table' });
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
  const taken = new Map([
    [table.key.to, 'the key'],
    [table.writtenBy, 'the column that says who wrote the row'],
  ]);
  if (table.key.to === table.writtenBy) {
    faults.push({ ...where, field: table.key.to, reason: 'the key cannot say who wrote the row as well' });
  }
  for (const field of fieldsOf(table)) {
    const owner = taken.get(field.to);
    if (owner !== undefined)
      faults.push({ ...where, field: field.to, reason: `two fields fill it; it is ${owner} already` });
    taken.set(field.to, field.kind === 'constant' ? 'a constant' : `filled from ${field.from}`);
    const reason = fieldFault(field);
    if (reason !== undefined) faults.push({ ...where, field: field.to, reason });
  }
  return faults;
}

function fieldFault(field: Field): string | undefined {
  if (field.kind === 'constant') return inexact([field.value]);
  if (field.kind !== 'values') return undefined;
  const entries = Object.entries(field.values);
  if (entries.length === 0) return 'its value table is empty';
  const seen = new Map<unknown, string>();
  for (const [from, to] of entries) {
    const other = seen.get(literal(to));
    if (other !== undefined) {
      return `its value table is not one-to-one: ${other} and ${from} both become ${JSON.stringify(to)}`;
    }
    seen.set(literal(to), from);
  }
  return inexact(entries.map(([, to]) => to));
}

function inexact(declared: (string | number | null)[]): string | undefined {
  const wrong = declared.find((value) => typeof value === 'number' && !Number.isSafeInteger(value));
  return wrong === undefined ? undefined : `${wrong} is not a whole number below 2^53`;
}
