import { createHash } from 'node:crypto';
import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import type { Kysely } from 'kysely';
import { findKey } from './queries.ts';
import type { Answer } from './saga.ts';
import type { BookingSchema } from './schema.ts';

/** Header by which a client makes its request safe to repeat. */
export const keyHeader = 'idempotency-key';

/** 1 to 255 visible ASCII characters. A header sent twice is joined with a space and so is none. */
export const keyPattern = '^[\\x21-\\x7e]{1,255}$';

const keyExpression = new RegExp(keyPattern);

/** Whether the header is one that can be used. */
export function isKey(header: unknown): header is string {
  return typeof header === 'string' && keyExpression.test(header);
}

/** What is compared when a key comes again: the path's version and what was asked for, not how it was written. */
export function requestHash(version: 'legacy' | 'v2', eventId: number, quantity: number): string {
  return createHash('sha256')
    .update(JSON.stringify([version, eventId, quantity]))
    .digest('hex');
}

/** What a key says about a request: a new one, one that was answered, or one that cannot be served. */
export type KeyVerdict =
  | { verdict: 'new' }
  | { verdict: 'replay'; answer: Answer }
  | { verdict: 'in_progress' }
  | { verdict: 'reused' };

/** Keys that requests of this process are working on, so that of two at once only one books. */
export interface KeyGuard {
  /** Runs `work` unless the key is in use or was used; keys belong to a user. */
  guard<Result>(
    request: { userId: number; key: string; requestHash: string },
    work: () => Promise<Result>,
  ): Promise<{ verdict: 'new'; result: Result } | Exclude<KeyVerdict, { verdict: 'new' }>>;
}

/**
 * Looks the key up in the store (what survived a crash, what another instance did) and among the requests under
 * way here. Two instances that start at the same moment are told apart by the key's primary key when they
 * record their booking.
 */
export function createKeyGuard(db: Kysely<BookingSchema>): KeyGuard {
  const working = new Map<string, string>();
  return {
    async guard({ userId, key, requestHash }, work) {
      const name = `${userId}:${key}`;
      const other = working.get(name);
      if (other !== undefined) return { verdict: other === requestHash ? 'in_progress' : 'reused' };
      working.set(name, requestHash);
      try {
        const known = await findKey(db, userId, key);
        if (known === undefined) return { verdict: 'new', result: await work() };
        if (known.request_hash !== requestHash) return { verdict: 'reused' };
        if (!known.finished) return { verdict: 'in_progress' };
        return {
          verdict: 'replay',
          answer: { status: known.status, location: known.location, body: known.body },
        };
      } finally {
        working.delete(name);
      }
    },
  };
}

const keepMs = 24 * 3600 * 1000;

/** Forgets keys after 24 h. Answers how many. */
export function forgetOldKeys(commits: GroupCommit): Promise<number> {
  return commits.submit((tx) =>
    tx.run('DELETE FROM idempotency_keys WHERE created_at < ?', Date.now() - keepMs),
  );
}
