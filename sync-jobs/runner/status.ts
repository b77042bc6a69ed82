import type { Counts } from '../backfill/table-pass.ts';

/**
 * What a group is doing. `waiting`: tables are not there yet; `refused`: the declaration does not fit the
 * tables; `running`: a pass; `idle`: the last pass succeeded; `retrying`: the last pass failed.
 */
export type GroupState = 'starting' | 'waiting' | 'refused' | 'running' | 'idle' | 'retrying' | 'stopped';

/** One finished pass. */
export interface PassReport extends Counts {
  /** ISO 8601, UTC. */
  startedAt: string;
  seconds: number;
}

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

/** A group as the control API shows it. */
export interface GroupStatus {
  name: string;
  state: GroupState;
  /** Where the rows come from and go to; without passwords. */
  from: string;
  to: string;
  /** At least one pass has been completed since the start. */
  backfilled: boolean;
  /** Legacy rows read by the current or last pass, and how many there are (null before they are counted). */
  progress: { done: number; total: number | null };
  /** The last pass that was completed. */
  lastPass: PassReport | null;
  /** When both sides were last known to be equal, ISO 8601: a pass, or a look that found nothing changed. */
  lastSuccessAt: string | null;
  /** Rows of all passes since the start. */
  totals: { read: number; written: number; removed: number; passes: number };
  /** Failed attempts since the start, by code. Waiting for tables is not one. */
  errors: Record<string, number>;
  error: GroupError | null;
}
