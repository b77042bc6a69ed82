import type { Session } from '../stores/store.ts';

/** Whether the role may say what the server writes into its message log. */
export async function mayQuieten(session: Session): Promise<boolean> {
  const [row] = await session.query(
    "SELECT (current_setting('is_superuser') = 'on')::int, current_setting('server_version_num')::int",
  );
  if (row?.[0] === 1n) return true;
  if (Number(row?.[1]) < 150_000) return false;
  const [granted] = await session.query("SELECT has_parameter_privilege('log_min_messages', 'SET')::int");
  return granted?.[0] === 1n;
}

/** Keeps the server from writing several lines at every look at a slot, until the session's transaction ends. */
export async function quieten(session: Session): Promise<void> {
  await session.query("SELECT set_config('log_min_messages', 'fatal', true)");
}
