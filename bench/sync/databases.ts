import { rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import { createDatabaseOn } from '../../testing/postgres-database.ts';

/** A database of the benchmark's own, asked by the driver. */
export interface BenchDatabase {
  url: string;
  dialect: 'sqlite' | 'postgres';
  /** The file, where it is one. */
  file: string;
  run(sql: string): Promise<void>;
  close(): Promise<void>;
}

let made = 0;

/** As an application leaves it that sets nothing: a rollback journal, every commit on the disk. */
export function sqliteDatabase(folder: string): BenchDatabase {
  const file = path.join(folder, `bench-${made++}.db`);
  const database = new Database(file);
  return {
    url: `sqlite:${file}`,
    dialect: 'sqlite',
    file,
    async run(sql) {
      database.exec(sql);
    },
    async close() {
      database.close();
      rmSync(file, { force: true });
    },
  };
}

export async function postgresDatabase(server: string): Promise<BenchDatabase> {
  const { url, drop } = await createDatabaseOn(server, 'bench');
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => {});
  return {
    url,
    dialect: 'postgres',
    file: '',
    async run(sql) {
      await pool.query(sql);
    },
    async close() {
      await pool.end();
      await drop();
    },
  };
}
