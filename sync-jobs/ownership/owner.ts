import { Failure } from '@strangler-fig/kernel/failure';
import type { Owner } from '../mapping/group.ts';
import type { Session } from '../stores/store.ts';

/** Which side may write a group's data, and how often that has changed. */
export interface Ownership {
  owner: Owner;
  /** 1 before the first change; grows by one with each. */
  epoch: number;
  /** Milliseconds since 1970; null before the first change. */
  since: number | null;
}

const atFirst: Ownership = { owner: 'legacy', epoch: 1, since: null };

/** Who owns a group. Kept in the legacy database. */
export async function readOwnership(session: Session, group: string): Promise<Ownership> {
  const [row] = await session.query('SELECT owner, epoch, since FROM strangler_owner WHERE group_name = ?', [
    group,
  ]);
  if (row === undefined) return atFirst;
  return { owner: row[0] === 'service' ? 'service' : 'legacy', epoch: Number(row[1]), since: Number(row[2]) };
}

/**
 * Gives a group to the other side, if it still is as it was.
 * @throws Failure `owner_moved` where somebody else changed it meanwhile.
 */
export async function changeOwner(
  session: Session,
  group: string,
  was: Ownership,
  owner: Owner,
): Promise<Ownership> {
  const is: Ownership = { owner, epoch: was.epoch + 1, since: Date.now() };
  const changed =
    was.since === null
      ? await session.run(
          'INSERT INTO strangler_owner (group_name, owner, epoch, since) VALUES (?, ?, ?, ?) ON CONFLICT (group_name) DO NOTHING',
          [group, is.owner, BigInt(is.epoch), BigInt(is.since!)],
        )
      : await session.run(
          'UPDATE strangler_owner SET owner = ?, epoch = ?, since = ? WHERE group_name = ? AND epoch = ?',
          [is.owner, BigInt(is.epoch), BigInt(is.since!), group, BigInt(was.epoch)],
        );
  if (changed === 1) return is;
  throw new Failure('owner_moved', `The owner of ${group} has been changed by somebody else.`, {
    hint: 'Look at `fig sync status` and decide anew.',
  });
}
