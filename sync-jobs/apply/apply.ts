import { randomInt } from 'node:crypto';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Change } from '../changes/change.ts';
import type { TablePlan } from '../mapping/plan.ts';
import { PoisonRow } from '../poison/poison.ts';
import { quoted } from '../stores/sql.ts';
import type { Writer } from '../stores/store.ts';
import { keyText, type Row } from '../stores/value.ts';
import { netOf } from './net.ts';
import type { TargetStatements } from './statements.ts';

/** A table of a feed, ready to be written. */
export interface Applied {
  plan: TablePlan;
  statements: TargetStatements;
}

/** What shall become of one target table's rows. */
interface Work {
  applied: Applied;
  emptied: boolean;
  /** Converted rows. */
  rows: Row[];
  removals: Row[];
}

/**
 * Applies changes of the source within the target's transaction, as if they were one.
 * @param tables in the order of their declaration: a table that refers to another comes after it.
 * @throws PoisonRow for the row that cannot be carried over.
 */
export async function applyChanges(
  writer: Writer,
  feed: string,
  tables: Applied[],
  changes: readonly Change[],
  stale?: Stale,
): Promise<void> {
  const byTable = new Map(tables.map((one) => [one.plan.source.table, one]));
  const keyLength = (table: string) => byTable.get(table)!.plan.source.key.length;
  const nets = netOf(changes, keyLength);
  const last = (table: string, key: Row) => lastChange(changes, table, key);
  const work: Work[] = [];
  for (const applied of tables) {
    const { table } = applied.plan.source;
    const net = nets.get(table);
    if (net === undefined) continue;
    const removals = [...net.removals.values()];
    const rows: Row[] = [];
    for (const row of net.rows.values()) {
      const converted = convertOr(applied, row, (cause, key) => {
        throw new PoisonRow(feed, { table, key, until: last(table, key) }, cause);
      });
      if (converted === undefined) removals.push(row.slice(0, keyLength(table)));
      else rows.push(converted);
    }
    work.push({ applied, emptied: net.emptied, rows, removals });
  }
  await perform(writer, feed, work, last, stale);
}

/** Writes rows of one table as the source has them, and removes others; for copies and repairs. */
export async function applyRows(
  writer: Writer,
  feed: string,
  applied: Applied,
  rows: Row[],
  removals: Row[],
  stale?: Stale,
): Promise<void> {
  const { plan } = applied;
  const converted: Row[] = [];
  const gone = [...removals];
  for (const row of rows) {
    const made = convertOr(applied, row, (cause, key) => {
      throw new PoisonRow(feed, { table: plan.source.table, key, until: -1n }, cause);
    });
    if (made === undefined) gone.push(row.slice(0, plan.source.key.length));
    else converted.push(made);
  }
  await perform(
    writer,
    feed,
    [{ applied, emptied: false, rows: converted, removals: gone }],
    () => -1n,
    stale,
  );
}

function convertOr(
  { plan, statements }: Applied,
  row: Row,
  refused: (cause: Failure, key: Row) => never,
): Row | undefined {
  try {
    const converted = plan.convert(row);
    if (converted !== undefined) statements.check(converted);
    return converted;
  } catch (error) {
    if (error instanceof Failure) refused(error, row.slice(0, plan.source.key.length));
    throw error;
  }
}

function lastChange(changes: readonly Change[], table: string, key: Row): bigint {
  const text = keyText(key);
  let last = -1n;
  for (const change of changes) {
    if (change.table !== table || change.id <= last) continue;
    const keys = [change.oldKey, change.row?.slice(0, key.length)];
    if (keys.some((one) => one !== undefined && keyText(one) === text)) last = change.id;
  }
  return last;
}

/** Whether a row of a target table is one of an earlier copy, which the copy that runs has not come to yet. */
export type Stale = (table: string, key: Row) => boolean;

async function perform(
  writer: Writer,
  feed: string,
  all: Work[],
  last: (table: string, key: Row) => bigint,
  stale?: Stale,
): Promise<void> {
  const work: Work[] = [];
  for (const one of all) work.push(await withoutEmptying(writer, one));
  const orders = [inPlainOrder, inParkedOrder, inRemovingOrder];
  if (stale !== undefined) {
    orders.push(async () => {
      await removeBlockers(writer, work, stale);
      await inParkedOrder(writer, work);
    });
  }
  let refused: Failure | undefined;
  for (const order of orders) {
    try {
      return await writer.attempt(() => order(writer, work));
    } catch (error) {
      if (!isRejection(error)) throw error;
      refused = error;
    }
  }
  throw await poisonAmong(writer, feed, work, refused!, last);
}

function isRejection(error: unknown): error is Failure {
  return error instanceof Failure && (error.code === 'row_rejected' || error.code === 'row_missing');
}

/**
 * Rows come before those that refer to them and go after those: a row that changes hands from a parent that goes must not
 * fall to a cascade of the target.
 */
async function inPlainOrder(writer: Writer, work: Work[]): Promise<void> {
  for (const one of work) await write(writer, one.applied, one.rows);
  for (const one of work.toReversed()) await remove(writer, one);
}

/** Where that runs into a unique index, every row that is written or removed first lets go of its unique values. */
async function inParkedOrder(writer: Writer, work: Work[]): Promise<void> {
  for (const one of work) await park(writer, one);
  await inPlainOrder(writer, work);
}

/** Where a unique value cannot be let go of, it passes from a row that goes to one that comes. */
async function inRemovingOrder(writer: Writer, work: Work[]): Promise<void> {
  for (const one of work.toReversed()) await remove(writer, one);
  for (const one of work) await write(writer, one.applied, one.rows);
}

/**
 * Takes away the rows of an earlier copy that have a unique value of a row to be written; the copy brings them anew. One
 * that others refer to stays, and lets go of its unique values until the copy comes to it.
 */
async function removeBlockers(writer: Writer, work: Work[], stale: Stale): Promise<void> {
  for (const { applied, rows } of work) {
    const { plan, statements } = applied;
    for (const { sql, at } of statements.holders) {
      for (const row of rows) {
        const keys = await writer.query(
          sql,
          at.map((index) => row[index]!),
        );
        const away = keys.filter((key) => stale(plan.source.table, key));
        for (const key of away) await removeOrPark(writer, statements, key);
      }
    }
  }
}

async function removeOrPark(writer: Writer, { remove, park }: TargetStatements, key: Row): Promise<void> {
  try {
    if (remove !== undefined) await writer.attempt(() => writer.many(remove, [key]));
  } catch (error) {
    if (!isRejection(error)) throw error;
    // A number of its own: what is parked here outlives the transaction.
    if (park !== undefined) await writer.many(park, [[BigInt(randomInt(65_000, 2 ** 31)), ...key]]);
  }
}

/** Rows that are to be written or removed let go of their unique values. */
async function park(writer: Writer, { applied, rows, removals }: Work): Promise<void> {
  const statement = applied.statements.park;
  if (statement === undefined) return;
  const width = applied.plan.target.key.length;
  const keys = [...rows.map((row) => row.slice(0, width)), ...removals];
  await writer.many(
    statement,
    keys.map((key, number) => [BigInt(number), ...key]),
  );
}

async function remove(writer: Writer, { applied, removals }: Work): Promise<void> {
  const statement = applied.statements.remove;
  if (statement === undefined) {
    for (const key of removals) await mayBeGone(writer, applied, key);
  } else if (removals.length > 0) {
    await writer.many(statement, removals);
  }
}

/** After a TRUNCATE at the source: every row that is not written is removed, by the statement that removes single ones. */
async function withoutEmptying(writer: Writer, work: Work): Promise<Work> {
  if (!work.emptied) return work;
  const width = work.applied.plan.target.key.length;
  const known = new Set([...work.rows, ...work.removals].map((row) => keyText(row.slice(0, width))));
  const others = (await keysOf(writer, work.applied)).filter((key) => !known.has(keyText(key)));
  return { ...work, emptied: false, removals: [...work.removals, ...others] };
}

function keysOf(writer: Writer, { plan: { target } }: Applied): Promise<Row[]> {
  return writer.query(`SELECT ${target.key.map(quoted).join(', ')} FROM ${quoted(target.table)}`);
}

/** A row that this side never makes nor removes: its removal at the other side cannot be carried over. */
async function mayBeGone(writer: Writer, { plan }: Applied, key: Row): Promise<void> {
  const { target } = plan;
  const where = target.key.map((column) => `${quoted(column)} = ?`).join(' AND ');
  const found = await writer.query(`SELECT 1 FROM ${quoted(target.table)} WHERE ${where}`, key);
  if (found.length === 0) return;
  throw new Failure(
    'row_missing',
    `The row was removed in ${plan.source.table}, and ${target.table} keeps its own.`,
    {
      hint: "Its group says rowsFrom: 'legacy': only the legacy side removes rows.",
    },
  );
}

async function write(writer: Writer, { plan, statements }: Applied, rows: Row[]): Promise<void> {
  if (rows.length === 0) return;
  const written = await writer.many(statements.upsert, rows);
  if (plan.target.updateOnly && written < rows.length) {
    throw new Failure(
      'row_missing',
      `${plan.target.table} has no such row, and only its own side makes them.`,
      {
        hint: "Its group says rowsFrom: 'legacy'.",
      },
    );
  }
  if (plan.target.advanceSequence) await writer.advanceSequence(plan.target.table, plan.target.key[0]!, rows);
}

/** Row by row, to find the one that cannot be written. What this writes is undone with the transaction. */
async function poisonAmong(
  writer: Writer,
  feed: string,
  work: Work[],
  known: Failure,
  last: (table: string, key: Row) => bigint,
): Promise<Failure> {
  const single = (one: Work, part: Partial<Work>): Work => ({
    ...one,
    rows: [],
    removals: [],
    ...part,
  });
  for (const one of work) {
    // A rule of the target may refuse that, too: then each row has to do without.
    await writer
      .attempt(() => park(writer, one))
      .catch((error: unknown) => {
        if (!isRejection(error)) throw error;
      });
  }
  const tries = [
    ...work.flatMap((one) => one.rows.map((row) => ({ one: single(one, { rows: [row] }), key: row }))),
    ...work
      .toReversed()
      .flatMap((one) => one.removals.map((key) => ({ one: single(one, { removals: [key] }), key }))),
  ];
  // What is refused may only wait for another row of the same work: the row counts that is refused in the end.
  let waiting = tries;
  while (true) {
    const refused: ((typeof tries)[number] & { error: Failure })[] = [];
    for (const one of waiting) {
      try {
        await writer.attempt(() => inPlainOrder(writer, [one.one]));
      } catch (error) {
        if (!isRejection(error)) throw error;
        refused.push({ ...one, error });
      }
    }
    const [first] = refused;
    if (first === undefined) return known;
    if (refused.length === waiting.length) {
      const { source } = first.one.applied.plan;
      const key = first.key.slice(0, source.key.length);
      return new PoisonRow(feed, { table: source.table, key, until: last(source.table, key) }, first.error);
    }
    waiting = refused;
  }
}
