import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createDatabase, type TestDatabase } from '../../../testing/postgres.ts';

/** Both databases, for `describe.each(databases)`: each `create()` is a fresh, empty one. */
export const databases: { name: string; create(): Promise<TestDatabase> }[] = [
  { name: 'SQLite', create: createSqlite },
  { name: 'PostgreSQL', create: createDatabase },
];

/** An empty SQLite file in a folder of its own. */
export async function createSqlite(): Promise<TestDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'store-'));
  return {
    url: `sqlite:${path.join(folder, 'store.db')}`,
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}
