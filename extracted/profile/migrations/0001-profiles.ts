import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * `written_by` is 'service' once this service has written the row; until then the job that copies rows from the
 * old database may bring it up to date. Times are epoch milliseconds.
 */
export function profilesTable(dialect: 'sqlite' | 'postgres'): Migration {
  const integer = sql.raw(dialect === 'sqlite' ? 'INTEGER' : 'bigint');
  const flag = sql.raw(dialect === 'sqlite' ? 'INTEGER' : 'smallint');
  return {
    async up(db) {
      await sql`
        CREATE TABLE profiles (
          user_id ${integer} PRIMARY KEY,
          full_name text NOT NULL,
          phone text,
          city text,
          bio text,
          newsletter ${flag} NOT NULL CHECK (newsletter IN (0, 1)),
          updated_at ${integer} NOT NULL,
          written_by text NOT NULL CHECK (written_by IN ('sync', 'service'))
        )`.execute(db);
    },
  };
}
