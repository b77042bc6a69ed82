import { Failure } from '@strangler-fig/kernel/failure';
import { type Fault, faultLine } from '../mapping/declaration-faults.ts';
import type { GroupDeclaration, TableDeclaration } from '../mapping/group.ts';
import { planTable } from '../mapping/plan.ts';
import { schemaFaults } from '../mapping/schema-faults.ts';
import type { Store, TableShape } from '../stores/store.ts';
import { patiently } from './patience.ts';
import { type Counts, passTable } from './table-pass.ts';

/** What a pass over a group works with. */
export interface GroupPass {
  group: GroupDeclaration;
  source: Store;
  target: Store;
  chunkRows: number;
  signal: AbortSignal;
  /** Called after each chunk with the group's counts so far. */
  onProgress(counts: Counts): void;
  /** Called once the tables are there, with the number of legacy rows to read. Not called unless `countRows`. */
  onTotal(rows: number): void;
  /** Count the legacy rows beforehand, for progress. */
  countRows: boolean;
}

/**
 * One pass over all tables of a group, in the order of their declaration.
 * @throws Failure `tables_missing` while a table is not there yet, `declaration_refused` with all reasons,
 *   or what a store or a mapping throws.
 */
export async function passGroup(pass: GroupPass): Promise<Counts> {
  await checkTables(pass);
  const plans = pass.group.tables.map((table) => planTable(pass.group.name, table));
  if (pass.countRows) {
    let total = 0;
    for (const plan of plans) total += await countRows(pass, plan.source);
    pass.onTotal(total);
  }
  let done: Counts = { read: 0, written: 0, removed: 0, kept: 0 };
  for (const plan of plans) {
    const { source, target, chunkRows, signal } = pass;
    const before = done;
    const counts = await passTable({
      plan,
      source,
      target,
      chunkRows,
      signal,
      onChunk: (soFar) => pass.onProgress(sum(before, soFar)),
    });
    done = sum(before, counts);
  }
  return done;
}

function sum(left: Counts, right: Counts): Counts {
  return {
    read: left.read + right.read,
    written: left.written + right.written,
    removed: left.removed + right.removed,
    kept: left.kept + right.kept,
  };
}

async function checkTables({ group, source, target, signal }: GroupPass): Promise<void> {
  const absent: string[] = [];
  const faults: Fault[] = [];
  const shapeIn = async (store: Store, table: string): Promise<TableShape | undefined> => {
    const shape = await patiently(() => store.shape(table), signal);
    if (shape === undefined) absent.push(`${table} in ${store.place}`);
    return shape;
  };
  for (const table of group.tables) {
    const shapes = await shapesOf(
      table,
      (from) => shapeIn(source, from),
      (to) => shapeIn(target, to),
    );
    if (shapes !== undefined) faults.push(...schemaFaults(group.name, table, ...shapes));
  }
  if (absent.length > 0) {
    throw new Failure('tables_missing', `${group.name} waits for ${absent.join(' and ')}.`, {
      hint: 'Start the application that makes them.',
    });
  }
  if (faults.length > 0) throw refused(faults);
}

async function shapesOf(
  table: TableDeclaration,
  legacy: (table: string) => Promise<TableShape | undefined>,
  service: (table: string) => Promise<TableShape | undefined>,
): Promise<[TableShape, TableShape] | undefined> {
  const [from, to] = [await legacy(table.from), await service(table.to)];
  return from === undefined || to === undefined ? undefined : [from, to];
}

/** The failure that lists every reason why declarations are refused. */
export function refused(faults: Fault[]): Failure {
  return new Failure(
    'declaration_refused',
    `The mapping is refused:\n${faults.map((fault) => `  ${faultLine(fault)}`).join('\n')}\n`,
    {
      hint: 'Correct the files in sync-jobs/groups.',
      exitCode: 2,
    },
  );
}

/** In steps, so that no statement scans for long: a long read keeps SQLite's writers from committing. */
async function countRows(
  { source, signal }: GroupPass,
  range: { table: string; key: string; columns: string[]; absentWhenSet: string | undefined },
): Promise<number> {
  const limit = 50_000;
  let total = 0;
  let from = -(2n ** 63n);
  while (true) {
    signal.throwIfAborted();
    const { rows, last } = await patiently(() => source.count({ ...range, from, limit }), signal);
    total += rows;
    if (rows < limit || last === undefined) return total;
    from = last + 1n;
  }
}
