import { logRows, pruneLog } from '../prune/prune.ts';
import type { VerifyReport } from '../verify/verify.ts';
import type { RunningGroup } from './running-group.ts';

/** Up to where a group needs the legacy log no more; undefined while that is not known. */
export function legacyLogNeededFrom(
  { feeds }: RunningGroup,
  verified: VerifyReport | null,
): string | undefined {
  const { feed } = feeds.forward;
  const consumed = feed.state?.position;
  return consumed === undefined ? undefined : earlier(consumed, verified?.positions[feed.name]);
}

/**
 * Removes from the service's log what neither the feed nor the next verification needs; where the log is longer than
 * `mostRows`, what the feed does not need.
 * @returns how many rows went.
 */
export async function pruneServiceLog(
  { feeds, desk, stopping }: RunningGroup,
  verified: VerifyReport | null,
  mostRows: number,
): Promise<number> {
  const { feed } = feeds.back;
  const consumed = feed.state?.position;
  if (consumed === undefined) return 0;
  const tooLong = (await logRows(desk.service)) > mostRows;
  const before = tooLong ? consumed : earlier(consumed, verified?.positions[feed.name]);
  return pruneLog(desk.service, before, stopping);
}

/** The earlier of two positions. */
function earlier(consumed: string, verified: string | undefined): string {
  return verified === undefined || BigInt(verified) > BigInt(consumed) ? consumed : verified;
}
