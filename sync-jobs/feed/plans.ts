import { statementsFor } from '../apply/statements.ts';
import type { Applied } from '../apply/writes.ts';
import type { Direction, GroupDeclaration, Owner } from '../mapping/group.ts';
import { type TableInSql, tableInSql } from '../mapping/in-sql/in-sql.ts';
import { planTable, type SourceTable, type TablePlan } from '../mapping/plan.ts';
import type { Store } from '../stores/store.ts';
import { readShapes } from './shapes.ts';

/** The tables of a group as a feed reads and writes them, for an owner. */
export interface FeedPlans {
  owner: Owner;
  /** What is carried over. */
  tables: LiveTable[];
  /** What is only watched. */
  armed: TablePlan[];
  /** All that is read. */
  sources: SourceTable[];
}

export interface LiveTable extends Applied {
  /** The mapping as the databases themselves can do it, where they can and where all of a row is carried over. */
  sql: TableInSql | undefined;
}

/** Whose plans are made. */
export interface Planned {
  group: GroupDeclaration;
  direction: Direction;
  source: Store;
  target: Store;
}

export async function planFeed(
  { group, direction, source, target }: Planned,
  owner: Owner,
): Promise<FeedPlans> {
  const forward = direction === 'forward';
  const [legacy, service] = forward ? [source, target] : [target, source];
  const shapes = await readShapes(group, legacy, service);
  const tables: LiveTable[] = [];
  const armed: TablePlan[] = [];
  for (const [index, declaration] of group.tables.entries()) {
    const plan = planTable(group, declaration, direction, shapes[index]!);
    // What stays the legacy side's follows it whoever owns the group.
    const whole = owner === (forward ? 'legacy' : 'service');
    if (!whole && !(forward && (declaration.reference ?? []).length > 0)) {
      armed.push(plan);
      continue;
    }
    const inSql = forward && whole && source.dialect === target.dialect;
    tables.push({
      plan,
      statements: statementsFor(plan.target, target.dialect, whole ? 'all' : 'reference'),
      sql: inSql ? tableInSql(declaration, shapes[index]!, source.dialect) : undefined,
    });
  }
  return {
    owner,
    tables,
    armed,
    sources: [...tables.map(({ plan }) => plan), ...armed].map(({ source: of }) => of),
  };
}
