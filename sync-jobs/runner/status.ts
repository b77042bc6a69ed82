import type { SlotStatus } from '../decoding/status.ts';
import type { Owner } from '../mapping/group.ts';
import type { VerifyReport } from '../verify/verify.ts';

/**
 * What a group is doing. `waiting`: tables are not there yet; `refused`: the declaration does not fit the tables;
 * `uncaptured`: changes are not logged, or not all; `copying`: the first copy runs; `following`: changes are carried
 * over as they come; `poisoned`: a row cannot be carried over; `retrying`: the last attempt failed; `standby`: another
 * instance does the work.
 */
export type GroupState =
  | 'starting'
  | 'waiting'
  | 'refused'
  | 'uncaptured'
  | 'copying'
  | 'following'
  | 'poisoned'
  | 'retrying'
  | 'standby'
  | 'stopped';

export const groupStates: GroupState[] = [
  'starting',
  'waiting',
  'refused',
  'uncaptured',
  'copying',
  'following',
  'poisoned',
  'retrying',
  'standby',
  'stopped',
];

/** Why a group's last attempt failed. */
export interface GroupError {
  code: string;
  message: string;
  hint?: string;
  /** When it first failed this way, ISO 8601. */
  since: string;
  /** When it is tried again, ISO 8601. */
  retryAt?: string;
}

/** One direction of a group. */
export interface FeedStatus {
  name: string;
  /** `live` carries changes over; `armed` only counts them, which the side that does not own the group should not make. */
  role: 'live' | 'armed';
  from: string;
  to: string;
  /** Everything of the source before it is applied. */
  position: string | null;
  lag: { rows: number; seconds: number };
  /** Transactions of others that keep it from going on, a line each. */
  heldBackBy: string[];
  /** Changes carried over, ever. */
  applied: number;
  /** Changes a second, over about the last ten seconds. */
  perSecond: number;
  /** Changes of the side that does not own the group, ever. */
  foreignChanges: number;
}

/** The row that a feed stands before. */
export interface PoisonStatus {
  feed: string;
  table: string;
  key: string;
  code: string;
  reason: string;
  since: string;
}

/** A group as the control API shows it. */
export interface GroupStatus {
  name: string;
  state: GroupState;
  owner: Owner;
  epoch: number;
  /** The legacy database and the service's; without passwords. */
  legacy: string;
  service: string;
  /** The first copy is complete. */
  backfilled: boolean;
  /** Rows copied, and how many there are (null before they are counted); seconds left, where they can be told. */
  progress: { done: number; total: number | null; etaSeconds: number | null };
  feeds: FeedStatus[];
  /** Where the legacy side is decoded and can be asked. */
  slot?: SlotStatus;
  poison: PoisonStatus[];
  /** What of capture is not as it has to be; a line each. */
  drift: string[];
  lastVerify: VerifyReport | null;
  /** Failed attempts since the start, by code. Waiting for tables is not one. */
  errors: Record<string, number>;
  error: GroupError | null;
}
