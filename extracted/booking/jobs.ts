import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import type { FastifyBaseLogger } from 'fastify';
import cron from 'node-cron';
import { forgetOldKeys } from './idempotency.ts';
import { expireUnpaid } from './records.ts';
import type { StockReturns } from './stock-returns.ts';

const batch = 200;

/** Runs `round` now and then every `everyMs`, never twice at once. Answers a function that stops it and waits. */
export function startSweep(
  name: string,
  everyMs: number,
  log: FastifyBaseLogger,
  round: () => Promise<unknown>,
): () => Promise<void> {
  let running: Promise<void> | undefined;
  const run = () => {
    running ??= round()
      .catch((error: unknown) => log.warn({ err: error, sweep: name }, 'sweep failed; it runs again'))
      .then(() => {
        running = undefined;
      });
  };
  run();
  const timer = setInterval(run, everyMs);
  return async () => {
    clearInterval(timer);
    await running;
  };
}

/** Expires this service's own unpaid bookings that are over 24 h old, and gives their tickets back. Answers how many. */
export async function expireOverdue(commits: GroupCommit, returns: StockReturns): Promise<number> {
  let expired = 0;
  for (;;) {
    const owed = await commits.submit((tx) => expireUnpaid(tx, Date.now(), batch));
    expired += owed.length;
    if (owed.length < batch) break;
  }
  await returns.deliverDue();
  return expired;
}

/** The nightly work on a cron expression in UTC; a run that is still going is not started again. */
export function scheduleNightly(
  schedule: string,
  needs: { commits: GroupCommit; returns: StockReturns; log: FastifyBaseLogger },
): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  const run = async () => {
    try {
      const expired = await expireOverdue(needs.commits, needs.returns);
      const keys = await forgetOldKeys(needs.commits);
      needs.log.info({ expired, keys }, 'expired unpaid bookings and old idempotency keys');
    } catch (error) {
      needs.log.error({ err: error }, 'nightly work failed; it runs again next time');
    }
  };
  const task = cron.schedule(
    schedule,
    () => {
      running = run();
      return running;
    },
    { timezone: 'UTC', noOverlap: true },
  );
  return async () => {
    await task.destroy();
    await running;
  };
}

/** Whether a cron expression can be scheduled. */
export function isSchedule(expression: string): boolean {
  return cron.validate(expression);
}
