import type { Dialect, Session } from '../stores/store.ts';

/** How long a lease holds without being renewed, in milliseconds. */
export const leaseTime = 6_000;

/** What the lease of a group is called. */
export function groupLease(group: string): string {
  return `group:${group}`;
}

/** The database's own clock, in milliseconds: the instances' clocks need not agree. */
function now(dialect: Dialect): string {
  return dialect === 'postgres'
    ? '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'
    : "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
}

/**
 * Takes or renews a lease; the answer is whether it is ours. It keeps two instances from doing the same work twice. That
 * work done twice would do harm is prevented elsewhere: a feed's state moves only if it is what it was.
 */
export async function holdLease(
  session: Session,
  dialect: Dialect,
  name: string,
  holder: string,
): Promise<boolean> {
  const clock = now(dialect);
  const changed = await session.run(
    `INSERT INTO strangler_lease (name, holder, until) VALUES (?, ?, ${clock} + ${leaseTime})
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
     WHERE strangler_lease.holder = excluded.holder OR strangler_lease.until < ${clock}`,
    [name, holder],
  );
  return changed === 1;
}

/** Gives a lease back, so that nobody waits for it to run out. */
export async function releaseLease(session: Session, name: string, holder: string): Promise<void> {
  await session.run('DELETE FROM strangler_lease WHERE name = ? AND holder = ?', [name, holder]);
}

/** Those of the groups on which an instance works now. */
export async function groupsHeld(session: Session, dialect: Dialect, groups: string[]): Promise<string[]> {
  const held = await session.query(`SELECT name FROM strangler_lease WHERE until >= ${now(dialect)}`);
  const names = new Set(held.map(([name]) => String(name)));
  return groups.filter((group) => names.has(groupLease(group)));
}
