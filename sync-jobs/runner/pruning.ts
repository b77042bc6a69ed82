import type { Feed } from '../feed/feed.ts';
import { logRows, pruneLog } from '../prune/prune.ts';
import type { Store } from '../stores/store.ts';
import type { VerifyReport } from '../verify/verify.ts';
import type { RunningGroup } from './running-group.ts';

/**
 * Up to where a group needs a log no more: what neither the feed nor the next verification needs or, where the log is too
 * long, what the feed does not need. Undefined while that is not known.
 */
export function neededFrom(
  { state, name }: Feed,
  verified: VerifyReport | null,
  tooLong: boolean,
): string | undefined {
  const consumed = state?.position;
  if (consumed === undefined || tooLong) return consumed;
  return earlier(consumed, verified?.positions[name]);
}

/** Whether a log has more rows than it should. */
export async function isTooLong(store: Store, mostRows: number): Promise<boolean> {
  return (await logRows(store)) > mostRows;
}

/**
 * Removes from the service's log what nobody needs.
 * @returns how many rows went.
 */
export async function pruneServiceLog(
  { feeds, desk, stopping }: RunningGroup,
  verified: VerifyReport | null,
  mostRows: number,
): Promise<number> {
  const before = neededFrom(feeds.back.feed, verified, await isTooLong(desk.service, mostRows));
  return before === undefined ? 0 : pruneLog(desk.service, before, stopping);
}

/** The earlier of two positions. */
function earlier(consumed: string, verified: string | undefined): string {
  return verified === undefined || BigInt(verified) > BigInt(consumed) ? consumed : verified;
}
