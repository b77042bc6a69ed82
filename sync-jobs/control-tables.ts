// What sync-jobs keeps in the databases themselves. Feeds keep their state where they write, so that it moves in the
// transaction that writes the rows; who owns what, and what was verified, is kept in the legacy database.

const columns: Record<string, string> = {
  /** How far a feed is: see `feed/state.ts`. */
  strangler_feed:
    'feed TEXT PRIMARY KEY, position TEXT NOT NULL, generation TEXT NOT NULL, backfill TEXT NOT NULL, ' +
    'applied BIGINT NOT NULL, foreign_changes BIGINT NOT NULL, updated_at BIGINT NOT NULL',
  /** The row that a feed stands before. */
  strangler_poison:
    'feed TEXT PRIMARY KEY, tbl TEXT NOT NULL, row_key TEXT NOT NULL, until TEXT NOT NULL, code TEXT NOT NULL, ' +
    'reason TEXT NOT NULL, since BIGINT NOT NULL',
  /** Rows whose changes up to a place in the log are not applied, by a person's decision. */
  strangler_skip:
    'feed TEXT NOT NULL, tbl TEXT NOT NULL, row_key TEXT NOT NULL, until TEXT NOT NULL, PRIMARY KEY (feed, tbl, row_key)',
  strangler_audit:
    'id TEXT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL',
  /** Up to where the log was pruned. */
  strangler_pruned: 'id INTEGER PRIMARY KEY, position TEXT NOT NULL',
  strangler_lease: 'name TEXT PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL',
  strangler_owner:
    'group_name TEXT PRIMARY KEY, owner TEXT NOT NULL, epoch BIGINT NOT NULL, since BIGINT NOT NULL',
  strangler_verify: 'group_name TEXT PRIMARY KEY, at BIGINT NOT NULL, report TEXT NOT NULL',
};

export const controlTables = Object.keys(columns);

/** Makes those of the tables that are missing. Both dialects read the same. */
export function controlStatements(missing: string[]): string[] {
  return missing.map((table) => `CREATE TABLE ${table} (${columns[table]})`);
}
