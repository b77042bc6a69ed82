import { Failure } from '@strangler-fig/kernel/failure';
import type { TablePlan } from '../mapping/plan.ts';
import { quoted } from '../stores/sql.ts';
import type { Writer } from '../stores/store.ts';
import type { Row } from '../stores/value.ts';
import type { TargetStatements } from './statements.ts';

/** A table of a feed, ready to be written. */
export interface Applied {
  plan: TablePlan;
  statements: TargetStatements;
}

/** What shall become of one target table's rows. */
export interface Work {
  applied: Applied;
  emptied: boolean;
  /** Converted rows. */
  rows: Row[];
  removals: Row[];
  /** New keys, each followed by the key that the row had. */
  moves: Row[];
}

/** Whether the target refused what was to be written: another order, or another row, may help. */
export function isRefusal(error: unknown): error is Failure {
  return error instanceof Failure && (error.code === 'row_rejected' || error.code === 'row_missing');
}

/**
 * Rows come before those that refer to them and go after those: a row that changes hands from a parent that goes must not
 * fall to a cascade of the target.
 */
export async function inPlainOrder(writer: Writer, work: Work[]): Promise<void> {
  for (const one of work) await write(writer, one.applied, one.rows);
  for (const one of work.toReversed()) await remove(writer, one);
}

/** Rows that are to be written or removed let go of their unique values. */
export async function park(writer: Writer, { applied, rows, removals }: Work): Promise<void> {
  const statement = applied.statements.park;
  if (statement === undefined) return;
  const width = applied.plan.target.key.length;
  const keys = [...rows.map((row) => row.slice(0, width)), ...removals];
  await writer.many(
    statement,
    keys.map((key, number) => [BigInt(number), ...key]),
  );
}

export async function remove(writer: Writer, { applied, removals }: Work): Promise<void> {
  const statement = applied.statements.remove;
  if (statement === undefined) {
    for (const key of removals) await mayBeGone(writer, applied, key);
  } else if (removals.length > 0) {
    await writer.many(statement, removals);
  }
}

/** How often moves are tried again that others make way for: a chain of keys. */
const mostPasses = 20;

/**
 * Rows take their new keys along with what this group does not know of them: columns of the target's own, and rows of
 * others that refer to them. One whose new key is still another row's stays, and is written and removed as two rows.
 */
export async function move(writer: Writer, { applied, moves }: Work): Promise<void> {
  const statement = applied.statements.move;
  if (statement === undefined || moves.length === 0) return;
  try {
    let moved = 0;
    for (let pass = 0; pass < mostPasses && moved < moves.length; pass++) {
      const now = await writer.many(statement, moves);
      if (now === 0) break;
      moved += now;
    }
  } catch (error) {
    // Such as a key that PostgreSQL alone gives values to.
    if (!(error instanceof Failure) || error.code !== 'store_failed') throw error;
    throw new Failure('row_rejected', error.message, { cause: error });
  }
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

export async function write(writer: Writer, { plan, statements }: Applied, rows: Row[]): Promise<void> {
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
