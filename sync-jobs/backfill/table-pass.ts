import { setImmediate as turn } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import type { TablePlan } from '../mapping/plan.ts';
import type { Applied, Chunk, Row, Store } from '../stores/store.ts';
import { compareRange } from './compare.ts';
import { patiently } from './patience.ts';

/** Rows of one pass. */
export interface Counts {
  /** Legacy rows read. */
  read: number;
  /** Rows inserted or updated at the target. */
  written: number;
  /** Rows removed at the target, because the legacy side no longer has them. */
  removed: number;
  /** Rows at the target that the service has written, and that therefore were left to it. */
  kept: number;
}

/** What a pass over a table works with. */
export interface TablePass {
  plan: TablePlan;
  source: Store;
  target: Store;
  /** At most so many rows of either side are held at a time. */
  chunkRows: number;
  signal: AbortSignal;
  /** Called after each chunk with the counts so far. */
  onChunk(counts: Counts): void;
}

const lowestKey = -(2n ** 63n);
const highestKey = 2n ** 63n - 1n;

/**
 * Makes the target's rows follow the source's, one range of keys after the other. Nothing is remembered between
 * passes: whatever an interrupted pass did not reach differs, and is found by the next one.
 *
 * The target is read before the source. A row found there and then missing at the source has vanished for
 * certain; the other way round, a row that another process copied in between would be taken for one.
 */
export async function passTable(pass: TablePass): Promise<Counts> {
  const { plan, source, target, chunkRows: limit, signal } = pass;
  const counts: Counts = { read: 0, written: 0, removed: 0, kept: 0 };
  const { table, key, owned, reference, writtenBy } = plan.target;
  const columns = [key, ...owned, ...reference, writtenBy];
  let from = lowestKey;
  while (true) {
    signal.throwIfAborted();
    const there = await patiently(() => target.read({ table, key, columns, from, limit }), signal);
    const here = await patiently(() => source.read({ ...plan.source, from, limit }), signal);
    const end = commonEnd(here, there, limit);
    const legacy = upTo(here, end);
    const comparison = compareRange(plan, legacy.map(plan.convert), upTo(there, end));
    const applied = await applyChunk(pass, {
      rows: comparison.rows,
      removals: comparison.removals,
      sequenceAtLeast: plan.advanceSequence ? (comparison.rows.at(-1)?.[0] as bigint | undefined) : undefined,
    });
    counts.read += legacy.length;
    counts.written += applied.written;
    counts.removed += applied.removed;
    counts.kept += comparison.kept;
    pass.onChunk(counts);
    if (end === highestKey) return counts;
    from = end + 1n;
    // better-sqlite3 works synchronously: requests and signals get their turn between chunks.
    await turn();
  }
}

/** The last key up to which both reads are complete: a read that came back full may have more behind it. */
function commonEnd(here: Row[], there: Row[], limit: number): bigint {
  const ends = [here, there].map((rows) => (rows.length < limit ? highestKey : (rows.at(-1)![0] as bigint)));
  return ends.reduce((least, end) => (end < least ? end : least));
}

function upTo(rows: Row[], end: bigint): Row[] {
  return rows.filter((row) => (row[0] as bigint) <= end);
}

async function applyChunk(pass: TablePass, chunk: Chunk): Promise<Applied> {
  if (chunk.rows.length === 0 && chunk.removals.length === 0) return { written: 0, removed: 0 };
  const apply = (part: Chunk) => patiently(() => pass.target.apply(pass.plan.target, part), pass.signal);
  try {
    return await apply(chunk);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'row_rejected') throw error;
    return await applyOneByOne(pass, chunk, apply);
  }
}

/** After a chunk was rejected: row by row, so that the failure can name the row, and those before it are in. */
async function applyOneByOne(
  pass: TablePass,
  chunk: Chunk,
  apply: (part: Chunk) => Promise<Applied>,
): Promise<Applied> {
  const total: Applied = { written: 0, removed: 0 };
  const parts: [unknown, Chunk][] = [
    ...chunk.removals.map((key): [unknown, Chunk] => [key, { rows: [], removals: [key] }]),
    ...chunk.rows.map((row): [unknown, Chunk] => [
      row[0],
      {
        rows: [row],
        removals: [],
        sequenceAtLeast: pass.plan.advanceSequence ? (row[0] as bigint) : undefined,
      },
    ]),
  ];
  for (const [key, part] of parts) {
    try {
      const applied = await apply(part);
      total.written += applied.written;
      total.removed += applied.removed;
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'row_rejected') throw error;
      throw new Failure(
        'row_rejected',
        `${pass.plan.target.table} does not take row ${key} of ${pass.plan.source.table}. ${error.message}`,
        { hint: error.hint ?? '', cause: error },
      );
    }
  }
  return total;
}
