import type { Kysely } from 'kysely';

/** Of the two databases, only PostgreSQL's adapter runs DDL in transactions of its own. */
export function onPostgres(db: Kysely<unknown>): boolean {
  return db.getExecutor().adapter.supportsTransactionalDdl === true;
}
