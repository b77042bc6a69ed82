import { Failure } from '@strangler-fig/kernel/failure';
import type { Logger } from '@strangler-fig/kernel/log';
import type { Direction } from '../mapping/group.ts';
import { PoisonRow } from '../poison/poison.ts';
import type { GroupError, GroupState } from './status.ts';

/** What fails in a group now, and how often what failed; told once each time that it changes. */
export class GroupFailures {
  /** Failed attempts since the start, by code. Waiting for tables is not one. */
  readonly counts: Record<string, number> = {};
  readonly #group: string;
  readonly #log: Logger;
  readonly #failing: Partial<Record<Direction, { state: GroupState; error: GroupError }>> = {};

  constructor(group: string, log: Logger) {
    this.#group = group;
    this.#log = log;
  }

  /** The failure to show: the forward feed's before that of the opposite one. */
  get now(): { state: GroupState; error: GroupError } | undefined {
    return this.#failing.forward ?? this.#failing.back;
  }

  failed(direction: Direction, failure: Failure, pause: number): void {
    const known = this.#failing[direction]?.error;
    const repeated = known?.code === failure.code && known.message === failure.message;
    this.#failing[direction] = {
      state: stateAfter(failure),
      error: {
        code: failure.code,
        message: failure.message,
        ...(failure.hint === undefined ? {} : { hint: failure.hint }),
        since: repeated ? known.since : new Date().toISOString(),
        retryAt: new Date(Date.now() + pause).toISOString(),
      },
    };
    if (failure.code !== 'tables_missing') this.counts[failure.code] = (this.counts[failure.code] ?? 0) + 1;
    if (!repeated) this.#report(failure);
  }

  succeeded(direction: Direction): void {
    const failing = this.#failing[direction];
    if (failing === undefined) return;
    if (failing.error.code !== 'tables_missing') {
      this.#log.info({ group: this.#group, code: failing.error.code }, 'works again');
    }
    delete this.#failing[direction];
  }

  #report(failure: Failure): void {
    const fields = { group: this.#group, code: failure.code };
    if (failure.code === 'tables_missing') this.#log.info(fields, failure.line);
    else this.#log.error({ ...fields, err: failure.cause }, failure.line);
  }
}

function stateAfter(failure: Failure): GroupState {
  if (failure instanceof PoisonRow) return 'poisoned';
  if (failure.code === 'tables_missing') return 'waiting';
  if (failure.code === 'capture_missing') return 'uncaptured';
  return failure.code === 'declaration_refused' ? 'refused' : 'retrying';
}

/** What is no failure that a person can act on is a defect, and one of ours. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure('internal_error', `A step failed: ${message}`, {
    hint: 'This is a defect of sync-jobs; the log has its stack.',
    cause: error,
  });
}
