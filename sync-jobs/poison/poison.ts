import { randomUUID } from 'node:crypto';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Session } from '../stores/store.ts';
import { decodeRow, encodeRow, type Row, shownKey } from '../stores/value.ts';
import { rowName, skipCommand } from './skip-command.ts';

/** A row that a feed cannot carry over: its mapping throws, or the target refuses it. */
export class PoisonRow extends Failure {
  readonly table: string;
  readonly key: Row;
  /** Changes of the row up to this one are concerned; -1 where the first copy met it. */
  readonly until: bigint;

  constructor(feed: string, at: { table: string; key: Row; until: bigint }, cause: Failure) {
    const [group = ''] = feed.split(':');
    const key = shownKey(at.key);
    const skip = skipCommand(group, rowName({ table: at.table, key }));
    super(cause.code, `${feed} stands before row ${key} of ${at.table}: ${cause.message}`, {
      hint:
        'Mend the row or the mapping, which is noticed by itself, or ask for it with `fig sync retry ' +
        `${group}\`; \`${skip}\` leaves this change out and writes down who decided so.`,
      cause,
    });
    this.table = at.table;
    this.key = at.key;
    this.until = at.until;
  }
}

/** A poison row as it is kept and shown. */
export interface Poison {
  feed: string;
  table: string;
  key: Row;
  until: bigint;
  code: string;
  reason: string;
  /** Milliseconds since 1970. */
  since: number;
}

export async function loadPoison(session: Session, feed: string): Promise<Poison | undefined> {
  const [row] = await session.query(
    'SELECT tbl, row_key, until, code, reason, since FROM strangler_poison WHERE feed = ?',
    [feed],
  );
  if (row === undefined) return undefined;
  const [table, key, until, code, reason, since] = row.map(String) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return { feed, table, key: decodeRow(key), until: BigInt(until), code, reason, since: Number(since) };
}

export async function recordPoison(session: Session, feed: string, poison: PoisonRow): Promise<void> {
  await session.run(
    'INSERT INTO strangler_poison (feed, tbl, row_key, until, code, reason, since) VALUES (?, ?, ?, ?, ?, ?, ?) ' +
      'ON CONFLICT (feed) DO UPDATE SET tbl = excluded.tbl, row_key = excluded.row_key, until = excluded.until, ' +
      'code = excluded.code, reason = excluded.reason',
    [
      feed,
      poison.table,
      encodeRow(poison.key),
      String(poison.until),
      poison.code,
      poison.message,
      BigInt(Date.now()),
    ],
  );
}

export async function clearPoison(session: Session, feed: string): Promise<void> {
  await session.run('DELETE FROM strangler_poison WHERE feed = ?', [feed]);
}

/** Rows whose changes are left out, up to a place in the log, by the table and the key's text. */
export type Skips = Map<string, { key: Row; until: bigint }[]>;

export async function loadSkips(session: Session, feed: string): Promise<Skips> {
  const skips: Skips = new Map();
  for (const [table, key, until] of await session.query(
    'SELECT tbl, row_key, until FROM strangler_skip WHERE feed = ?',
    [feed],
  )) {
    const list = skips.get(String(table)) ?? [];
    list.push({ key: decodeRow(String(key)), until: BigInt(String(until)) });
    skips.set(String(table), list);
  }
  return skips;
}

/** Leaves the poison row's change out from now on, and writes down who wanted it. */
export async function skipPoison(session: Session, poison: Poison, who: string): Promise<void> {
  const { feed } = poison;
  await session.run(
    'INSERT INTO strangler_skip (feed, tbl, row_key, until) VALUES (?, ?, ?, ?) ' +
      'ON CONFLICT (feed, tbl, row_key) DO UPDATE SET until = excluded.until',
    [feed, poison.table, encodeRow(poison.key), String(poison.until)],
  );
  await clearPoison(session, feed);
  await audit(session, who, 'skip', feed, {
    table: poison.table,
    key: shownKey(poison.key),
    until: String(poison.until),
    reason: poison.reason,
  });
}

/** Writes down what a person, or sync-jobs on a person's behalf, did to data. */
export async function audit(
  session: Session,
  who: string,
  action: string,
  subject: string,
  detail: unknown,
): Promise<void> {
  await session.run(
    'INSERT INTO strangler_audit (id, at, who, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?)',
    [randomUUID(), BigInt(Date.now()), who, action, subject, JSON.stringify(detail)],
  );
}
