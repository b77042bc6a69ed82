import { readFileSync } from 'node:fs';
import pg from 'pg';
import type { Database, Queries, Value } from './database.ts';

const schema = readFileSync(new URL('./schema.postgres.sql', import.meta.url), 'utf8');

// Counts (int8) and sums (numeric) are small here and read as numbers; a timestamp stays the text it is.
const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, Number],
  [pg.types.builtins.NUMERIC, Number],
  [pg.types.builtins.TIMESTAMP, (text) => text],
]);
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    parsers.get(oid) ?? pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

/** Connects to PostgreSQL through a pool of ten connections. */
export async function openPostgres(url: string): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    options: '-c TimeZone=UTC -c DateStyle=ISO',
    types,
  });
  // An idle connection that breaks is dropped by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  try {
    await pool.query(schema);
  } catch (error) {
    await pool.end();
    throw error;
  }

  return {
    dialect: 'postgres',
    ...queriesOn(pool),
    async transaction(work) {
      const client = await pool.connect();
      let broken: Error | undefined;
      const onError = (error: Error) => {
        broken = error;
      };
      client.on('error', onError);
      try {
        await client.query('BEGIN');
        const result = await work(queriesOn(client));
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(onError);
        throw error;
      } finally {
        client.off('error', onError);
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

function queriesOn(connection: pg.Pool | pg.PoolClient): Queries {
  const query = (sql: string, params: readonly Value[] = []) => connection.query(numbered(sql), [...params]);
  return {
    all: async <Row>(sql: string, params?: readonly Value[]) => (await query(sql, params)).rows as Row[],
    one: async <Row>(sql: string, params?: readonly Value[]) =>
      (await query(sql, params)).rows[0] as Row | undefined,
    run: async (sql, params) => (await query(sql, params)).rowCount ?? 0,
  };
}

/** `?` to `$1`, `$2`, …: no statement here has a question mark of its own. */
function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => `$${++count}`);
}
