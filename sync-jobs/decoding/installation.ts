import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Drift, InstallPlan } from '../capture/installation.ts';
import { type GroupDeclaration, keyOf } from '../mapping/group.ts';
import { columnsUsed } from '../mapping/plan.ts';
import { literal, quoted } from '../stores/sql.ts';
import type { Session, Store } from '../stores/store.ts';
import { decodingTable, identityTable, publicationName, slotName } from './names.ts';
import { type Present, readPresent } from './present.ts';
import { identityOf, requireDecoding, unavailable } from './requirements.ts';
import type { Decoded } from './slot.ts';
import { triggerRemoval } from './superseded-triggers.ts';

/**
 * What is done, in this order. A slot is made anew with every change of what a group needs: a publication's change does
 * not count for transactions that are open meanwhile, and a new slot waits for these. A group is written down last, so
 * that after a crash everything is done again.
 */
interface Stages {
  /** Slots to be dropped, each on its own. */
  drop: string[];
  /** In one transaction. */
  prepare: string[];
  /** Slots to be made, each on its own: PostgreSQL makes none in a transaction that has written. */
  create: string[];
  /** In one transaction. */
  record: string[];
  /** In one transaction: what captured these groups before. */
  retire: string[];
  drift: Drift[];
}

/**
 * What it takes to decode the changes of those groups that ask for it, and to stop for those that do not; groups that are
 * not given stay as they are. Changes nothing.
 * @param declared every group there is. Without it, triggers that decoded groups had before stay: another group may need
 *   them.
 */
export async function planDecoding(
  store: Store,
  groups: GroupDeclaration[],
  declared?: GroupDeclaration[],
): Promise<InstallPlan> {
  return planOf(store, await stagesOf(store, groups, { declared }));
}

/** Makes the legacy database as the groups need it. Returns what was run. */
export async function installDecoding(
  store: Store,
  groups: GroupDeclaration[],
  declared?: GroupDeclaration[],
): Promise<InstallPlan> {
  const stages = await stagesOf(store, groups, { declared });
  await perform(store, stages);
  return planOf(store, stages);
}

/** What takes everything away again that was ever installed for decoding. Changes nothing. */
export async function planUninstallDecoding(store: Store): Promise<InstallPlan> {
  return planOf(store, await removalOf(store));
}

export async function uninstallDecoding(store: Store): Promise<InstallPlan> {
  const stages = await removalOf(store);
  await perform(store, stages);
  return planOf(store, stages);
}

function planOf({ place }: Store, { drop, prepare, create, record, retire, drift }: Stages): InstallPlan {
  return { place, statements: [...drop, ...prepare, ...create, ...record, ...retire], drift };
}

async function removalOf(store: Store): Promise<Stages> {
  const stages = await stagesOf(store, [], { remove: 'everything' });
  if (store.dialect === 'postgres' && (await store.shape(decodingTable)) !== undefined) {
    stages.prepare.push(`DROP TABLE ${decodingTable}`, `DROP TABLE ${identityTable}`);
  }
  return stages;
}

async function stagesOf(
  store: Store,
  groups: GroupDeclaration[],
  { remove, declared }: { remove?: 'everything'; declared?: GroupDeclaration[] | undefined } = {},
): Promise<Stages> {
  const wanted = groups.filter(({ capture }) => capture === 'decoding');
  const stages: Stages = { drop: [], prepare: [], create: [], record: [], retire: [], drift: [] };
  if (store.dialect === 'sqlite') {
    if (wanted.length === 0) return stages;
    const names = wanted.map(({ name }) => name).join(', ');
    throw unavailable(
      `${store.place} is SQLite, which has no log to decode; ${names} asks for it.`,
      "Take capture: 'decoding' out of the group's declaration.",
    );
  }
  return store.snapshot(async (session) => {
    if (wanted.length > 0) await requireDecoding(session, store.place);
    const present = await readPresent(session);
    if (wanted.length > 0 && !present.tables) stages.prepare.push(...tableStatements);
    removeFrom(stages, present, remove === 'everything' ? present : leftovers(present, groups), wanted);
    const changed = new Set<string>();
    for (const group of wanted) await addGroup(session, stages, present, group, changed);
    if (declared !== undefined) stages.retire = await triggerRemoval(session, wanted, declared);
    return stages;
  });
}

const tableStatements = [
  `CREATE TABLE ${decodingTable} (grp TEXT PRIMARY KEY, tables TEXT NOT NULL, generation TEXT NOT NULL)`,
  `CREATE TABLE ${identityTable} (tbl TEXT PRIMARY KEY, was TEXT NOT NULL)`,
];

/** What is there of decoding for groups that do not ask for it any more. */
function leftovers(present: Present, groups: GroupDeclaration[]): Present {
  const left = groups.filter(({ capture }) => capture !== 'decoding').map(({ name }) => name);
  const only = <T>(all: Map<string, T>, names: string[]) =>
    new Map([...all].filter(([name]) => names.includes(name)));
  return {
    ...present,
    groups: only(present.groups, left),
    slots: only(
      present.slots,
      left.map((name) => slotName(present.database, name)),
    ),
    publications: only(present.publications, left.map(publicationName)),
  };
}

/** A slot that nobody reads would fill the server's disk. */
function removeFrom(stages: Stages, present: Present, gone: Present, wanted: GroupDeclaration[]): void {
  const stay = [...present.groups].filter(([name]) => !gone.groups.has(name));
  const tables = new Set([
    ...stay.flatMap(([, text]) => (JSON.parse(text) as Decoded[]).map(({ table }) => table)),
    ...wanted.flatMap((group) => group.tables.map(({ from }) => from)),
  ]);
  for (const slot of gone.slots.keys()) stages.drop.push(dropSlot(slot));
  for (const name of gone.publications.keys()) stages.prepare.push(`DROP PUBLICATION ${quoted(name)}`);
  for (const name of gone.groups.keys()) {
    stages.prepare.push(`DELETE FROM ${decodingTable} WHERE grp = ${literal(name)}`);
  }
  for (const [table, was] of present.identities) {
    if (tables.has(table)) continue;
    stages.prepare.push(
      `ALTER TABLE IF EXISTS ${quoted(table)} REPLICA IDENTITY ${was}`,
      `DELETE FROM ${identityTable} WHERE tbl = ${literal(table)}`,
    );
  }
}

async function addGroup(
  session: Session,
  stages: Stages,
  present: Present,
  group: GroupDeclaration,
  changed: Set<string>,
): Promise<void> {
  const decoded = decodedOf(group);
  const text = JSON.stringify(decoded);
  const slot = slotName(present.database, group.name);
  const publication = publicationName(group.name);
  const published = present.publications.get(publication);
  const installed = present.groups.get(group.name);
  const names = decoded.map(({ table }) => table).sort();
  const amiss: string[] = [];
  if (present.slots.get(slot) !== true)
    amiss.push(`slot ${slot} is ${present.slots.has(slot) ? 'lost' : 'gone'}`);
  if (published?.join() !== names.join()) amiss.push(`publication ${publication} is not as declared`);
  for (const one of decoded) {
    const identity = await identityOf(session, one);
    if (identity.suffices) continue;
    amiss.push(`replica identity of ${one.table} is ${identity.is}`);
    // Two groups may read one table.
    if (changed.has(one.table)) continue;
    changed.add(one.table);
    stages.prepare.push(
      `ALTER TABLE ${quoted(one.table)} REPLICA IDENTITY FULL`,
      `INSERT INTO ${identityTable} (tbl, was) VALUES (${literal(one.table)}, ${literal(identity.is)}) ` +
        'ON CONFLICT (tbl) DO NOTHING',
    );
  }
  if (amiss.length === 0 && installed === text) return;
  if (installed !== undefined) {
    stages.drift.push(...amiss.map((what): Drift => ({ table: names.join(', '), kind: 'missing', what })));
    stages.prepare.push(`DELETE FROM ${decodingTable} WHERE grp = ${literal(group.name)}`);
  }
  if (present.slots.has(slot)) stages.drop.push(dropSlot(slot));
  if (published !== undefined) stages.prepare.push(`DROP PUBLICATION ${quoted(publication)}`);
  const list = names.map((table) => `ONLY ${quoted(table)}`).join(', ');
  // After the identities: a published table without one refuses the application's updates.
  stages.prepare.push(`CREATE PUBLICATION ${quoted(publication)} FOR TABLE ${list}`);
  stages.create.push(`SELECT pg_create_logical_replication_slot(${literal(slot)}, 'pgoutput')`);
  stages.record.push(
    `INSERT INTO ${decodingTable} (grp, tables, generation) ` +
      `VALUES (${literal(group.name)}, ${literal(text)}, gen_random_uuid()::text)`,
  );
}

function decodedOf(group: GroupDeclaration): Decoded[] {
  const decoded = new Map<string, Decoded>();
  for (const declaration of group.tables) {
    const table = declaration.from;
    const key = keyOf(declaration).map(({ from }) => from);
    const columns = [...(decoded.get(table)?.columns ?? []), ...columnsUsed(declaration, 'legacy')];
    decoded.set(table, { table, key, columns: [...new Set(columns)] });
  }
  return [...decoded.values()];
}

function dropSlot(name: string): string {
  return `SELECT pg_drop_replication_slot(${literal(name)})`;
}

async function perform(store: Store, { drop, prepare, create, record, retire }: Stages): Promise<void> {
  for (const statement of drop) await together(store, [statement]);
  await together(store, prepare);
  for (const statement of create) {
    // It waits for every open transaction of the server, as for a lock.
    await together(store, ["SET LOCAL lock_timeout = '55s'", statement]);
  }
  if (create.length > 0) await settle(store);
  await together(store, record);
  await together(store, retire);
}

async function together(store: Store, statements: string[]): Promise<void> {
  if (statements.length === 0) return;
  await store.transaction(async (writer) => {
    for (const statement of statements) await writer.run(statement);
  });
}

/**
 * Waits for the transactions that are open now. One of them may have its commit in the log before the slots begin while
 * no snapshot shows it yet: neither the first copy nor the slot would have it.
 */
async function settle(store: Store): Promise<void> {
  const bound = (of: 'xmin' | 'xmax') =>
    store.snapshot(async (session) => {
      const [row] = await session.query(`SELECT pg_snapshot_${of}(pg_current_snapshot())::text`);
      return BigInt(String(row?.[0]));
    });
  const until = await bound('xmax');
  const deadline = performance.now() + 55_000;
  while ((await bound('xmin')) < until) {
    if (performance.now() > deadline) {
      throw new Failure(
        'store_busy',
        `${store.place} has a transaction open that began while its slot was made.`,
        {
          hint: 'Run this again when it has ended; until then the slot keeps the log.',
        },
      );
    }
    await delay(20);
  }
}
