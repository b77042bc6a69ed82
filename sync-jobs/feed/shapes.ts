import { Failure } from '@strangler-fig/kernel/failure';
import { type Fault, faultLine } from '../mapping/declaration-faults.ts';
import type { GroupDeclaration } from '../mapping/group.ts';
import type { Shapes } from '../mapping/plan.ts';
import { schemaFaults } from '../mapping/schema-faults.ts';
import type { Store, TableShape } from '../stores/store.ts';

/**
 * The tables of a group as they are in both databases, in the order of the declaration.
 * @throws Failure `tables_missing` while one is not there yet, `declaration_refused` with all reasons.
 */
export async function readShapes(group: GroupDeclaration, legacy: Store, service: Store): Promise<Shapes[]> {
  const absent: string[] = [];
  const faults: Fault[] = [];
  const all: Shapes[] = [];
  const shapeIn = async (store: Store, table: string): Promise<TableShape | undefined> => {
    const shape = await store.shape(table);
    if (shape === undefined) absent.push(`${table} in ${store.place}`);
    return shape;
  };
  for (const table of group.tables) {
    const from = await shapeIn(legacy, table.from);
    const to = await shapeIn(service, table.to);
    if (from === undefined || to === undefined) continue;
    faults.push(...schemaFaults(group.name, table, { legacy: from, service: to }));
    all.push({ legacy: from, service: to });
  }
  if (absent.length > 0) {
    throw new Failure('tables_missing', `${group.name} waits for ${absent.join(' and ')}.`, {
      hint: 'Start the application that makes them.',
    });
  }
  if (faults.length > 0) throw refused(faults);
  return all;
}

/** The failure that lists every reason why declarations are refused. */
export function refused(faults: Fault[]): Failure {
  return new Failure(
    'declaration_refused',
    `The mapping is refused:\n${faults.map((fault) => `  ${faultLine(fault)}`).join('\n')}\n`,
    {
      hint: 'Correct the file of that group, in SYNC_GROUPS_DIR or, where that is not set, in sync-jobs/groups.',
      exitCode: 2,
    },
  );
}
