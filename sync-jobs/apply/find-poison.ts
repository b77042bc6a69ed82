import type { Failure } from '@strangler-fig/kernel/failure';
import { PoisonRow } from '../poison/poison.ts';
import type { Writer } from '../stores/store.ts';
import type { Row } from '../stores/value.ts';
import { type Applied, isRefusal, park, remove, type Work, write } from './writes.ts';

/** A row to be written, or one to be removed, for itself. */
interface Try {
  applied: Applied;
  /** A converted row, or the key of one that goes. */
  row: Row;
  goes: boolean;
}

interface Refused {
  tries: Try[];
  error: Failure;
}

/** So many refused rows are told one from another in one go over all of them: the first ones count. */
const mostSingle = 100;

/**
 * The row that cannot be written, among those of a transaction that was refused. What this writes is undone with the
 * transaction. Halves of what is refused are tried for themselves, down to single rows.
 * @param known the reason that the target gave for all of it, where no row is refused for itself.
 */
export async function findPoison(
  writer: Writer,
  feed: string,
  work: Work[],
  known: Failure,
  last: (table: string, key: Row) => bigint,
): Promise<Failure> {
  for (const one of work) {
    // A rule of the target may refuse that, too: then each row has to do without.
    await writer
      .attempt(() => park(writer, one))
      .catch((error: unknown) => {
        if (!isRefusal(error)) throw error;
      });
  }
  // What is refused may only wait for another row of the same work: the row counts that is refused in the end.
  let waiting = triesOf(work);
  while (true) {
    const refused = await refusedAmong(writer, waiting, { left: mostSingle });
    const [first] = refused;
    if (first === undefined) return known;
    const still = refused.flatMap(({ tries }) => tries);
    if (still.length === waiting.length) return poison(feed, first, last);
    waiting = still;
  }
}

function poison(
  feed: string,
  { tries, error }: Refused,
  last: (table: string, key: Row) => bigint,
): PoisonRow {
  const { applied, row } = tries[0]!;
  const { source } = applied.plan;
  const key = row.slice(0, source.key.length);
  return new PoisonRow(feed, { table: source.table, key, until: last(source.table, key) }, error);
}

/** Rows in the order of their tables, then those that go the other way round. */
function triesOf(work: Work[]): Try[] {
  return [
    ...work.flatMap(({ applied, rows }) => rows.map((row) => ({ applied, row, goes: false }))),
    ...work
      .toReversed()
      .flatMap(({ applied, removals }) => removals.map((row) => ({ applied, row, goes: true }))),
  ];
}

/** What is refused of tries, in their order; all that is not refused is done. */
async function refusedAmong(writer: Writer, tries: Try[], single: { left: number }): Promise<Refused[]> {
  if (tries.length === 0) return [];
  try {
    await writer.attempt(() => makeAll(writer, tries));
    return [];
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (tries.length === 1) single.left -= 1;
    if (tries.length === 1 || single.left <= 0) return [{ tries, error }];
  }
  const half = Math.ceil(tries.length / 2);
  return [
    ...(await refusedAmong(writer, tries.slice(0, half), single)),
    ...(await refusedAmong(writer, tries.slice(half), single)),
  ];
}

/** As few statements as the order allows. */
async function makeAll(writer: Writer, tries: Try[]): Promise<void> {
  for (let from = 0; from < tries.length; ) {
    const { applied, goes } = tries[from]!;
    const other = tries.findIndex((one, at) => at > from && (one.applied !== applied || one.goes !== goes));
    const to = other === -1 ? tries.length : other;
    const rows = tries.slice(from, to).map(({ row }) => row);
    if (goes) await remove(writer, { applied, emptied: false, rows: [], removals: rows, moves: [] });
    else await write(writer, applied, rows);
    from = to;
  }
}
