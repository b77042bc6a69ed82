import type { Session } from '../stores/store.ts';

/**
 * Which transactions a snapshot shows. The write-ahead log does not say it: a commit is written there, and waits for
 * the disk or a standby, before any snapshot shows it, and without `synchronous_commit` it is shown before it is there.
 */
export interface Visibility {
  /** @param xid of a transaction that has committed, in its 32 bits. */
  shows(xid: number): boolean;
  /** Whether everything that another one shows is shown, too: it is no older. */
  includes(other: Visibility): boolean;
  /** Ids from here on had not been given out; of those before it, these were open. */
  readonly limit: bigint;
  readonly running: ReadonlySet<bigint>;
}

export async function visibilityIn(session: Session): Promise<Visibility> {
  const [row] = await session.query('SELECT pg_current_snapshot()::text');
  const [, next = '0', open = ''] = String(row?.[0]).split(':');
  const limit = BigInt(next);
  const running = new Set(open === '' ? [] : open.split(',').map(BigInt));
  return {
    limit,
    running,
    includes: (other) =>
      other.limit <= limit && [...running].every((xid) => xid >= other.limit || other.running.has(xid)),
    shows(xid) {
      // The log knows an id's last 32 bits; what is meant is the id nearest to the snapshot's.
      const whole = limit + BigInt.asIntN(32, BigInt(xid) - limit);
      return whole < limit && !running.has(whole);
    },
  };
}
