import { randomInt } from 'node:crypto';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Change } from '../changes/change.ts';
import { PoisonRow } from '../poison/poison.ts';
import { quoted } from '../stores/sql.ts';
import type { Writer } from '../stores/store.ts';
import { keyText, type Row } from '../stores/value.ts';
import { findPoison } from './find-poison.ts';
import { netOf } from './net.ts';
import type { TargetStatements } from './statements.ts';
import { type Applied, inPlainOrder, isRefusal, move, park, remove, type Work, write } from './writes.ts';

/**
 * Applies changes of the source within the target's transaction, as if they were one.
 * @param tables in the order of their declaration: a table that refers to another comes after it.
 * @param whole nothing of the same transactions is to come: what is refused now is refused for good.
 * @throws PoisonRow for the row that cannot be carried over; where more is to come, it may be a Failure that names none.
 */
export async function applyChanges(
  writer: Writer,
  feed: string,
  tables: Applied[],
  changes: readonly Change[],
  { stale, whole }: { stale: Stale | undefined; whole: boolean },
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
    const moves = [...net.moves.values()].map(({ from, to }) => [...to, ...from]);
    work.push({ applied, emptied: net.emptied, rows, removals, moves });
  }
  if (!whole && work.some(({ emptied, removals }) => emptied || removals.length > 0)) throw tooEarly();
  await perform(writer, work, stale, async (refused, all) =>
    whole ? findPoison(writer, feed, all, refused, last) : refused,
  );
}

/**
 * What is removed may come again with what is to come, under the same key: the target's cascades would have taken the rows
 * that refer to it meanwhile, and nobody brings those again.
 */
function tooEarly(): Failure {
  return new Failure('row_rejected', 'Rows are removed when all of their transaction is known.');
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
  const work = [{ applied, emptied: false, rows: converted, removals: gone, moves: [] }];
  await perform(writer, work, stale, (refused, all) => findPoison(writer, feed, all, refused, () => -1n));
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
  all: Work[],
  stale: Stale | undefined,
  named: (refused: Failure, work: Work[]) => Promise<Failure>,
): Promise<void> {
  const work: Work[] = [];
  for (const one of all) work.push(await withoutEmptying(writer, one));
  const moves = work.some((one) => one.moves.length > 0) ? [inMovedOrder] : [];
  const orders = [...moves, inPlainOrder, inParkedOrder, inRemovingOrder];
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
      if (!isRefusal(error)) throw error;
      refused = error;
    }
  }
  throw await named(refused!, work);
}

/** A row whose key changes keeps its place. */
async function inMovedOrder(writer: Writer, work: Work[]): Promise<void> {
  for (const one of work) await move(writer, one);
  await inPlainOrder(writer, work);
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
    if (!isRefusal(error)) throw error;
    // A number of its own: what is parked here outlives the transaction.
    if (park !== undefined) await writer.many(park, [[BigInt(randomInt(65_000, 2 ** 31)), ...key]]);
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
