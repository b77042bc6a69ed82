import type { GroupDeclaration } from '../mapping/group.ts';
import { quoted } from '../stores/sql.ts';
import type { Store, TableShape } from '../stores/store.ts';
import { type Constraint, readConstraints } from './constraints.ts';
import type { Limit } from './limits.ts';
import type { Part, Rules, Tracked } from './measure.ts';
import { type Reference, readReferences } from './references.ts';

/** A table that rows go to. */
export interface Target {
  store: Store;
  group: GroupDeclaration;
  /** Which of the group's tables are measured, as legacy table -> service table. */
  measured: ReadonlySet<string>;
  side: 'legacy' | 'service';
  table: string;
  shape: TableShape;
  limits: Map<string, Limit>;
  parts: Part[];
  fixed: Rules['fixed'];
}

/** What the rows of a target table have to keep, of what its parts fill. */
export async function rulesOf(target: Target): Promise<Rules> {
  const { store, table, shape, limits, parts, fixed } = target;
  const columnsOf = (some: Part[]) => some.flatMap((part) => part.target.map(({ column }) => column));
  const key = columnsOf(parts.filter(({ field }) => field === 'key'));
  const filled = new Set([...columnsOf(parts), ...fixed.map(([column]) => column)]);
  const fills = (columns: string[]) => columns.every((column) => filled.has(column));
  const checks = await store.snapshot((session) =>
    readConstraints(session, store.dialect, table, shape, limits),
  );
  const own = await referencesOf(store, table);
  // The key is unique at its source already.
  const unique = shape.unique.filter((columns) => !sameColumns(columns, key));
  const { references, outside } = await referring(target, own, fills);
  // What speaks of no column that is filled is about the database's own values alone.
  const concerned = checks.filter(({ columns }) => columns.some((column) => filled.has(column)));
  return {
    fixed,
    constraints: [...concerned.filter(({ columns }) => fills(columns)), ...outside],
    unasked: concerned
      .map(({ columns, says }) => ({ says, open: columns.filter((column) => !filled.has(column)) }))
      .filter(({ open }) => open.length > 0)
      .map(({ says, open }) => `${table}: ${says}: no field fills ${open.join(', ')}`),
    unique: unique.filter(fills).map((columns) => ({ name: nameOf(target, table, columns), columns })),
    referred: (await referred(target)).filter(({ columns }) => fills(columns)),
    references,
    conditioned: new Set([...checks, ...own].flatMap(({ columns }) => columns).concat(unique.flat())),
  };
}

/** Lists of the table's columns that other tables of the group refer to. */
async function referred(target: Target): Promise<Tracked[]> {
  const { store, group, side, table } = target;
  const found = new Map<string, Tracked>();
  for (const one of group.tables) {
    const other = side === 'service' ? one.to : one.from;
    if (other === table) continue;
    for (const { table: to, to: columns } of await referencesOf(store, other)) {
      const name = nameOf(target, table, columns);
      if (sameName(to, table)) found.set(name, { name, columns });
    }
  }
  return [...found.values()];
}

/** The table's own foreign keys: those within the group are looked up among what was measured, others in the database. */
async function referring(
  target: Target,
  own: Reference[],
  fills: (columns: string[]) => boolean,
): Promise<{ references: Rules['references']; outside: Constraint[] }> {
  const { group, measured, side, table } = target;
  const references: Rules['references'] = [];
  const outside: Constraint[] = [];
  const nameIn = (one: GroupDeclaration['tables'][number]) => (side === 'service' ? one.to : one.from);
  const place = group.tables.findIndex((one) => nameIn(one) === table);
  for (const reference of own.filter(({ columns }) => fills(columns))) {
    const parent = group.tables.findIndex((one) => sameName(nameIn(one), reference.table));
    if (parent === -1) {
      outside.push(lookUp(reference));
      continue;
    }
    const { from, to } = group.tables[parent]!;
    // A table that comes later is not read yet; that the order is wrong is said elsewhere.
    if (parent >= place || !measured.has(`${from} -> ${to}`)) continue;
    const known = nameIn(group.tables[parent]!);
    references.push({ ...reference, table: known, name: nameOf(target, known, reference.to) });
  }
  return { references, outside };
}

function lookUp({ columns, table, to }: Reference): Constraint {
  const equal = to.map((column, index) => `p.${quoted(column)} = strangler_rows.${quoted(columns[index]!)}`);
  const free = columns.map((column) => `${quoted(column)} IS NULL`).join(' OR ');
  return {
    kind: 'orphan',
    expression: `(${free} OR EXISTS (SELECT 1 FROM ${quoted(table)} AS p WHERE ${equal.join(' AND ')}))`,
    columns,
    says: `${table} has no such row`,
  };
}

function referencesOf(store: Store, table: string): Promise<Reference[]> {
  return store.snapshot((session) => readReferences(session, store.dialect, table));
}

function nameOf({ side }: Target, table: string, columns: string[]): string {
  return `${side} ${table} (${columns.join(', ')})`;
}

/** SQLite's foreign keys may spell a table's name in another case. */
function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

function sameColumns(left: string[], right: string[]): boolean {
  return left.length === right.length && left.every((column) => right.includes(column));
}
