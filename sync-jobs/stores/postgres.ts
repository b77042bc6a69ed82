import { Failure } from '@strangler-fig/kernel/failure';
import pg from 'pg';
import { bySync } from '../mapping/group.ts';
import { countSql, quoted, readSql, removeSql, targetColumns, upsertSql } from './sql.ts';
import type {
  Applied,
  Chunk,
  Column,
  Row,
  RowRange,
  Store,
  TableShape,
  TargetTable,
  Value,
} from './store.ts';

/** A PostgreSQL database, over one connection that is made when it is needed. */
export class PostgresStore implements Store {
  readonly place: string;
  readonly #pool: pg.Pool;
  /** Declared types by table and column, from the last `shape`: arrays of parameters need them. */
  readonly #types = new Map<string, Map<string, string>>();

  constructor(url: string, place: string, readOnly: boolean) {
    this.place = place;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: 1,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 30_000,
      query_timeout: 35_000,
      // A client that holds a row locked makes us wait, and we must not make others wait behind us for long.
      lock_timeout: 2_000,
      idle_in_transaction_session_timeout: 10_000,
      keepAlive: true,
      application_name: 'strangler-sync',
      options: `-c datestyle=ISO,YMD -c timezone=UTC -c default_transaction_read_only=${readOnly ? 'on' : 'off'}`,
      types: { getTypeParser: parserOf },
    });
    // A connection that breaks while idle is made again at the next use, which reports what is wrong then.
    this.#pool.on('error', () => {});
  }

  async shape(table: string): Promise<TableShape | undefined> {
    const rows = await this.#query(shapeSql, [quoted(table)]);
    if (rows.length === 0) return undefined;
    const shape: TableShape = new Map();
    const types = new Map<string, string>();
    for (const [name, type, nullable, filledByDefault, unique] of rows) {
      types.set(String(name), String(type));
      shape.set(String(name), {
        name: String(name),
        type: typeClass(String(type)),
        nullable: nullable === 1n,
        filledByDefault: filledByDefault === 1n,
        unique: unique === 1n,
      });
    }
    this.#types.set(table, types);
    return shape;
  }

  /** A snapshot's text says exactly which transactions it sees. */
  async changeToken(): Promise<string> {
    const [row] = await this.#query('SELECT pg_current_snapshot()::text', []);
    return String(row?.[0]);
  }

  read(range: RowRange): Promise<Row[]> {
    return this.#query(readSql(range, ['$1::bigint', '$2']), [range.from, range.limit]);
  }

  async count(range: RowRange): Promise<{ rows: number; last: bigint | undefined }> {
    const [row] = await this.#query(countSql(range, ['$1::bigint', '$2']), [range.from, range.limit]);
    return { rows: Number(row?.[0]), last: typeof row?.[1] === 'bigint' ? row[1] : undefined };
  }

  async apply(target: TargetTable, chunk: Chunk): Promise<Applied> {
    const client = await this.#connect();
    let broken: Error | undefined;
    try {
      const run = async (text: string, values: unknown[]) =>
        (await client.query({ text, values, rowMode: 'array' })) as pg.QueryArrayResult<Row>;
      await run('BEGIN', []);
      if (chunk.sequenceAtLeast !== undefined) await advance(run, target, chunk.sequenceAtLeast);
      // Removals first: a unique value may pass from a row that goes to one that comes.
      const removed =
        chunk.removals.length === 0
          ? 0
          : (await run(removeSql(target, '= ANY($1::bigint[])'), [chunk.removals])).rowCount;
      const written =
        chunk.rows.length === 0 ? 0 : (await run(this.#upsert(target), byColumn(chunk.rows))).rowCount;
      await run('COMMIT', []);
      return { written: written ?? 0, removed: removed ?? 0 };
    } catch (error) {
      // A connection that cannot roll back is not given to the next user.
      await client.query('ROLLBACK').catch((cause: Error) => {
        broken = cause;
      });
      throw storeFailure(error, this.place);
    } finally {
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #upsert(target: TargetTable): string {
    const types = this.#types.get(target.table);
    const arrays = targetColumns(target).map(
      (column, index) => `$${index + 1}::${types?.get(column) ?? 'text'}[]`,
    );
    return upsertSql(
      target,
      `SELECT rows.*, '${bySync}' FROM unnest(${arrays.join(', ')}) AS rows`,
      // The key comes from the legacy row also where the column is GENERATED ALWAYS.
      'OVERRIDING SYSTEM VALUE',
    );
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  async #query(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await this.#pool.query<Row>({ text, values, rowMode: 'array' })).rows;
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }
}

type Run = (text: string, values: unknown[]) => Promise<pg.QueryArrayResult<Row>>;

/**
 * Moves the key's sequence up, never down. It takes effect at once and stays when the transaction rolls back:
 * a gap in the keys, and no key handed out twice.
 */
async function advance(run: Run, target: TargetTable, atLeast: bigint): Promise<void> {
  const names = [quoted(target.table), target.key];
  const [found] = (await run('SELECT pg_get_serial_sequence($1, $2)', names)).rows;
  const sequence = found?.[0];
  if (typeof sequence !== 'string') {
    throw new Failure('sequence_missing', `${target.table}.${target.key} has no sequence to advance.`, {
      hint: "Take advanceSequence out of the group's declaration, or make the key an identity column.",
    });
  }
  await run(
    `SELECT setval($1::regclass, greatest($2::bigint, pg_sequence_last_value($1::regclass)))
     WHERE coalesce(pg_sequence_last_value($1::regclass), 0) < $2::bigint`,
    [sequence, atLeast],
  );
}

/** One array a column, as unnest takes them. */
function byColumn(rows: Row[]): Value[][] {
  const width = rows[0]?.length ?? 0;
  return Array.from({ length: width }, (_, index) => rows.map((row) => row[index] ?? null));
}

const shapeSql = `
  SELECT a.attname, format_type(a.atttypid, NULL),
    (NOT a.attnotnull)::int,
    (a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '')::int,
    EXISTS (
      SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
        AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum
    )::int
  FROM pg_attribute a
  WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attnum`;

function typeClass(type: string): Column['type'] {
  if (['smallint', 'integer', 'bigint'].includes(type)) return 'integer';
  if (['real', 'double precision'].includes(type)) return 'real';
  return ['text', 'character varying', 'character'].includes(type) ? 'text' : 'other';
}

const integerTypes = new Set([20, 21, 23]);
const floatTypes = new Set([700, 701]);
const booleanType = 16;
const bytesType = 17;

/** Values without loss: pg's own parsers round bigint's text to no number and times to milliseconds. */
function parserOf(type: number, format?: string): (text: string) => Value {
  if (integerTypes.has(type)) return BigInt;
  if (floatTypes.has(type)) return Number;
  if (type === booleanType) return (text) => (text === 't' ? 1n : 0n);
  if (type === bytesType) return pg.types.getTypeParser(bytesType, format === 'binary' ? 'binary' : 'text');
  return (text) => text;
}

function storeFailure(error: unknown, place: string): Failure {
  if (error instanceof Failure) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  // An AggregateError of refused connections has an empty message.
  const because = `PostgreSQL at ${place}: ${cause.message || 'no connection'}${code === '' ? '' : ` (${code})`}.`;
  if (/^(40001|40P01|55P03)$/.test(code)) {
    return new Failure('store_busy', because, {
      hint: 'Another transaction holds its lock; this is tried again.',
      cause,
    });
  }
  if (/^(22|23)/.test(code)) {
    return new Failure('row_rejected', because, {
      hint: 'Correct the row, or the mapping of its group.',
      cause,
    });
  }
  if (code === '' || /^(E[A-Z]+|08...|57P0.|53...|28...|3D000)$/.test(code)) {
    return new Failure('store_unavailable', because, {
      hint: "Check that the server runs and that the group's database URL is right.",
      cause,
    });
  }
  return new Failure('store_failed', because, { hint: 'See the message of the database.', cause });
}
