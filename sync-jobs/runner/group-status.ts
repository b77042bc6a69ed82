import type { Poison } from '../poison/poison.ts';
import { shownKey } from '../stores/value.ts';
import type { VerifyReport } from '../verify/verify.ts';
import type { FirstCopy } from './first-copy.ts';
import type { GroupFailures } from './group-failures.ts';
import { bothFeeds, type RunningGroup } from './running-group.ts';
import type { GroupState, GroupStatus, PoisonStatus } from './status.ts';

/** What a group's runner knows beside the group. */
export interface Known {
  /** What it does where nothing fails. */
  state: GroupState;
  firstCopy: FirstCopy;
  failures: GroupFailures;
  lastVerify: VerifyReport | null;
}

/** All that can be told of a group without asking a database; its feeds are left out. */
export function briefStatus(
  group: RunningGroup,
  { state, firstCopy, failures, lastVerify }: Known,
): GroupStatus {
  const { declaration, desk, ownership, preparation, feeds } = group;
  const backfill = feeds.forward.feed.state?.backfill;
  const failing = failures.now;
  return {
    name: declaration.name,
    state: failing?.state ?? state,
    owner: ownership.owner,
    epoch: ownership.epoch,
    legacy: desk.legacy.place,
    service: desk.service.place,
    backfilled: backfill?.done ?? false,
    progress: firstCopy.progress(backfill?.rows ?? 0),
    feeds: [],
    poison: bothFeeds(group).flatMap(({ poison }) => (poison === undefined ? [] : [shownPoison(poison)])),
    drift: preparation.drift,
    lastVerify,
    errors: { ...failures.counts },
    error: failing?.error ?? null,
  };
}

export function shownPoison({ feed, table, key, code, reason, since }: Poison): PoisonStatus {
  return { feed, table, key: shownKey(key), code, reason, since: new Date(since).toISOString() };
}
