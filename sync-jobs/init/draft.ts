import { Failure } from '@strangler-fig/kernel/failure';
import { declarationFaults, type Fault } from '../mapping/declaration-faults.ts';
import type { GroupDeclaration } from '../mapping/group.ts';
import { schemaFaults } from '../mapping/schema-faults.ts';
import type { Store } from '../stores/store.ts';
import { type DraftTable, draftTable } from './draft-table.ts';
import { type Known, knowTable, tableNames } from './introspection.ts';
import { groupText } from './source-text.ts';
import { inOrder, pairTables } from './tables.ts';

export interface DraftRequest {
  /** The group's name, and its file's. */
  name: string;
  /** Legacy tables; `to` where the service's table is known. */
  tables: (string | { from: string; to?: string })[];
  legacyStore: Store;
  serviceStore: Store;
  /** Where the written file finds the mapping's folder. */
  mapping?: string;
}

/** A first declaration of a group, to be read and corrected by a person. */
export interface Draft {
  /** The text of `groups/<name>.ts`. */
  text: string;
  declaration: GroupDeclaration;
  /** What still refuses the declaration; each is a comment in the text, too. */
  faults: Fault[];
  /** What a person should look at; each is a comment in the text, too. */
  notes: string[];
}

/**
 * Guesses from names, types and rows of both databases how a group's tables map. Reads only.
 * @throws Failure `tables_missing` where a table that was named is not there.
 */
export async function draftGroup(request: DraftRequest): Promise<Draft> {
  const { name, legacyStore, serviceStore, mapping = '../mapping' } = request;
  const legacyNames = await tableNames(legacyStore);
  const serviceNames = await tableNames(serviceStore);
  const chosen = new Map<string, string>();
  const legacy: Known[] = [];
  for (const wanted of request.tables) {
    const { from, to } = typeof wanted === 'string' ? { from: wanted } : wanted;
    const known = await knowTable(legacyStore, named(from, legacyNames, legacyStore));
    if (known !== undefined) legacy.push(known);
    if (known !== undefined && to !== undefined)
      chosen.set(known.name, named(to, serviceNames, serviceStore));
  }
  const service: Known[] = [];
  for (const one of serviceNames) {
    const known = await knowTable(serviceStore, one);
    if (known !== undefined) service.push(known);
  }
  const pairs = inOrder(pairTables(legacy, service, chosen));
  const tables: DraftTable[] = [];
  for (const pair of pairs) tables.push(await draftTable(pair, pairs, legacyStore, serviceStore));
  const general = [
    ...legacy
      .filter((one) => pairs.every((pair) => pair.legacy !== one))
      .map(
        (one) =>
          `No table of the service was found for ${one.name}; it has ${[...one.shape.columns.keys()].join(', ')}.`,
      ),
    ...service
      .filter((one) => pairs.every((pair) => pair.service !== one))
      .map((one) => `Nothing goes to ${one.name}: it is the service's own.`),
  ];
  const declared = tables.flatMap(({ declaration }) => (declaration === undefined ? [] : [declaration]));
  const declaration = { name, tables: declared };
  const faults = [
    ...declarationFaults([declaration]),
    ...tables.flatMap(({ declaration: table, pair }) =>
      table === undefined
        ? []
        : schemaFaults(name, table, { legacy: pair.legacy.shape, service: pair.service.shape }),
    ),
  ];
  const notes = [
    ...general,
    ...tables.flatMap((table) => [...table.notes, ...table.fields.flatMap((one) => one.notes)]),
  ];
  return { text: groupText({ name, tables, faults, general, mapping }), declaration, faults, notes };
}

/** A table's name as its database spells it. */
function named(wanted: string, names: string[], store: Store): string {
  const found =
    names.find((name) => name === wanted) ??
    names.find((name) => name.toLowerCase() === wanted.toLowerCase());
  if (found !== undefined) return found;
  throw new Failure('tables_missing', `${store.place} has no table ${wanted}.`, {
    hint: `It has ${names.join(', ') || 'none'}.`,
    exitCode: 2,
  });
}
