import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** An empty database of its own on a PostgreSQL server. */
export interface TestDatabase {
  /** postgres:// URL of the database. */
  url: string;
  /** Removes it, cutting off connections that are still open. */
  drop(): Promise<void>;
}

/** Makes a fresh, empty database on a server that is given by its URL. */
export async function createDatabaseOn(server: string, prefix = 'test'): Promise<TestDatabase> {
  const name = `${prefix}_${randomUUID().replaceAll('-', '')}`;
  await onServer(server, `CREATE DATABASE ${name}`);
  return {
    url: `${server}/${name}`,
    drop: () => onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function onServer(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${server}/postgres` });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
