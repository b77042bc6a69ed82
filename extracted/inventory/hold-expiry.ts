import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import type { FastifyBaseLogger } from 'fastify';
import { expireHolds, forgetClosed } from './reservations.ts';

const batch = 200;
const keepClosedMs = 7 * 24 * 3600 * 1000;

/**
 * Ends holds that ran out, every `everyMs`, and forgets closed reservations after 7 days. Late is harmless: a
 * hold that ran out cannot be confirmed whether it was swept or not. Answers a function that stops it.
 */
export function startHoldExpiry(
  commits: GroupCommit,
  log: FastifyBaseLogger,
  everyMs: number,
): () => Promise<void> {
  let running: Promise<void> | undefined;
  const sweep = async () => {
    try {
      let expired = 0;
      let found: number;
      do {
        found = await commits.submit((tx) => expireHolds(tx, Date.now(), batch));
        expired += found;
      } while (found === batch);
      if (expired > 0) log.info({ expired }, 'holds ran out');
      await commits.submit((tx) => forgetClosed(tx, Date.now() - keepClosedMs, batch));
    } catch (error) {
      log.error({ err: error }, 'sweep of holds failed; it runs again');
    }
    running = undefined;
  };
  const timer = setInterval(() => {
    running ??= sweep();
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await running;
  };
}
