import { Failure } from '@strangler-fig/kernel/failure';
import type { Session, Store } from '../stores/store.ts';
import { quieten } from './server-messages.ts';

/**
 * Has the server write into its log which transactions run. Only at such a record can a slot's reading begin, and by
 * itself the server writes one at a checkpoint and every 15 s: all that was logged since is decoded at each look.
 *
 * PostgreSQL 16 has a function for it, which is a superuser's until it is granted. Otherwise it comes with a temporary
 * slot, which needs no right that decoding does not need: the record is written before the slot waits for the
 * transactions that run, and what comes after it is of no use here.
 *
 * @param quiet whether the role may keep that from the server's message log.
 */
export async function logRunningTransactions(store: Store, quiet: boolean): Promise<void> {
  const logged = await store.snapshot(async (session) => {
    if (!(await mayLog(session))) return false;
    await session.query('SELECT pg_log_standby_snapshot()');
    return true;
  });
  if (logged) return;
  try {
    await store.snapshot(async (session) => {
      if (quiet) await quieten(session);
      await session.query("SELECT set_config('lock_timeout', '1ms', true)");
      const name = "'strangler_mark_' || pg_backend_pid()";
      await session.query(`SELECT pg_create_logical_replication_slot(${name}, 'pgoutput', true)`);
      await session.query(`SELECT pg_drop_replication_slot(${name})`);
    });
  } catch (error) {
    // It did not wait, or there was no place for one more slot. Then the server's own records have to do.
    if (error instanceof Failure && ['store_busy', 'store_unavailable'].includes(error.code)) return;
    throw error;
  }
}

async function mayLog(session: Session): Promise<boolean> {
  const [row] = await session.query(
    "SELECT coalesce(has_function_privilege(to_regprocedure('pg_log_standby_snapshot()'), 'EXECUTE'), false)::int",
  );
  return row?.[0] === 1n;
}
