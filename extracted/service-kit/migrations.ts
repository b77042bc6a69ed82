import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Store } from './store.ts';

/** A migration that failed; the store is as it was before it. */
export class MigrationFailedError extends Error {
  readonly code = 'migration_failed';
  readonly hint = 'Read the cause, put the store right and start the service again.';

  constructor(name: string, cause: unknown) {
    super(`Migration ${name} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'MigrationFailedError';
  }
}

/**
 * Brings a store up to date. `migrations` maps numbered names to migrations, each in a file of its own:
 * `{ '0001-items': items }`; they run in the order of their names. All of them run in one transaction under a
 * lock, so that of two instances that start at once one migrates and the other waits.
 */
export async function migrate<Schema>(
  store: Store<Schema>,
  migrations: Record<string, Migration>,
): Promise<void> {
  const provider = { getMigrations: async () => migrations };
  if (store.dialect === 'postgres') {
    // Kysely takes an advisory lock there and runs inside a transaction.
    return settle(await new Migrator({ db: store.db, provider }).migrateToLatest());
  }
  // Kysely's own lock does nothing on SQLite: the write lock of the file is taken around everything.
  await store.db.connection().execute(async (db) => {
    await sql`BEGIN IMMEDIATE`.execute(db);
    try {
      settle(await new Migrator({ db, provider }).migrateToLatest());
      await sql`COMMIT`.execute(db);
    } catch (error) {
      await sql`ROLLBACK`.execute(db);
      throw error;
    }
  });
}

function settle(set: Awaited<ReturnType<Migrator['migrateToLatest']>>): void {
  if (set.error === undefined) return;
  const failed = set.results?.find((result) => result.status === 'Error');
  throw new MigrationFailedError(failed?.migrationName ?? '(preparation)', set.error);
}
