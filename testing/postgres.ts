import { inject } from 'vitest';
import { createDatabaseOn, type TestDatabase } from './postgres-database.ts';

export type { TestDatabase } from './postgres-database.ts';

/** Makes a fresh, empty PostgreSQL database on the run's server; drop it when the test file is done. */
export function createDatabase(): Promise<TestDatabase> {
  return createDatabaseOn(inject('postgresUrl'));
}
