import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import pg from 'pg';
import { originSetting } from './origin.ts';
import { copied } from './postgres-copy.ts';
import { storeFailure } from './postgres-failure.ts';
import { readShape } from './postgres-shape.ts';
import { parserOf } from './postgres-types.ts';
import { numbered, quoted } from './sql.ts';
import type { Link, ManyRows, Parameter, Session, Store, TableShape, Writer } from './store.ts';
import type { Row, Value } from './value.ts';

/** How often the database is asked whether there is something new, in milliseconds: soon after it had, and at rest. */
const pauses = { busy: 4, idle: 25 };

/** Triggers read the setting; who decodes the log finds the message, which comes first in its transaction. */
const originSql = `SELECT set_config(?, ?, true),
  CASE current_setting('wal_level') WHEN 'logical' THEN pg_logical_emit_message(true, ?::text, ?::text) END`;

/** A PostgreSQL database, over two connections that are made when they are needed. */
export class PostgresStore implements Store {
  readonly dialect = 'postgres';
  readonly place: string;
  readonly #pool: pg.Pool;
  #seen = '';
  #changedAt = 0;

  constructor(url: string, place: string) {
    this.place = place;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: 2,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 60_000,
      query_timeout: 65_000,
      // A client that holds a row locked makes us wait, and we must not make others wait behind us for long.
      lock_timeout: 2_000,
      idle_in_transaction_session_timeout: 60_000,
      keepAlive: true,
      application_name: 'strangler-sync',
      options:
        '-c datestyle=ISO,YMD -c timezone=UTC -c intervalstyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1 -c standard_conforming_strings=on',
      types: { getTypeParser: parserOf },
    });
    // A connection that breaks while idle is made again at the next use, which reports what is wrong then.
    this.#pool.on('error', () => {});
    // One that breaks between two statements of a transaction fails the next of them; unheard, it would end the process.
    this.#pool.on('connect', (client) => void client.on('error', () => {}));
  }

  shape(table: string): Promise<TableShape | undefined> {
    return this.snapshot((session) => readShape(session, table));
  }

  snapshot<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#within('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work);
  }

  transaction<T>(work: (writer: Writer) => Promise<T>, options?: { origin?: string }): Promise<T> {
    return this.#within('BEGIN', async (writer) => {
      const { origin } = options ?? {};
      if (origin !== undefined) await writer.query(originSql, [originSetting, origin, originSetting, origin]);
      return work(writer);
    });
  }

  /**
   * Asks whether a row of the log is newer than what was seen. A trigger could notify instead, but every transaction that
   * notifies takes one lock of the whole server at its commit: the legacy application would wait in a line.
   */
  async changed(within: number, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + within;
    while (!signal.aborted && performance.now() < deadline) {
      const token = await this.#token();
      if (token !== this.#seen) {
        this.#seen = token;
        this.#changedAt = performance.now();
        return;
      }
      const busy = performance.now() - this.#changedAt < 1_000;
      await delay(busy ? pauses.busy : pauses.idle, undefined, { signal }).catch(() => {});
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #token(): Promise<string> {
    try {
      const { rows } = await this.#pool.query<[string]>({
        text: 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text',
        rowMode: 'array',
      });
      return rows[0]?.[0] ?? '';
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  async #within<T>(begin: string, work: (writer: Writer) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw storeFailure(error, this.place);
    });
    let broken: Error | undefined;
    try {
      const writer = new PostgresWriter(client, this.place);
      await writer.run(begin);
      const result = await work(writer);
      await writer.run('COMMIT');
      return result;
    } catch (error) {
      // A connection that cannot roll back is not given to the next user.
      await client.query('ROLLBACK').catch((cause: Error) => {
        broken = cause;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

/** What can be done inside one transaction. */
class PostgresWriter implements Writer {
  readonly #client: pg.PoolClient;
  readonly #place: string;

  constructor(client: pg.PoolClient, place: string) {
    this.#client = client;
    this.#place = place;
  }

  async query(sql: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    return (await this.#send(sql, parameters)).rows;
  }

  async run(sql: string, parameters: readonly Parameter[] = []): Promise<number> {
    return (await this.#send(sql, parameters)).rowCount ?? 0;
  }

  async many({ perSet }: ManyRows, rows: Row[]): Promise<number> {
    if (rows.length === 0) return 0;
    const columns = rows[0]!.map((_, index) => rows.map((row) => sent(row[index] ?? null)));
    return (await this.#send(perSet, columns)).rowCount ?? 0;
  }

  /** Never down. It takes effect at once and stays when the transaction rolls back: a gap, and no key handed out twice. */
  async advanceSequence(table: string, column: string, rows: Row[]): Promise<void> {
    const greatest = rows.reduce((most, [key]) => (typeof key === 'bigint' && key > most ? key : most), 0n);
    const [found] = await this.query('SELECT pg_get_serial_sequence(?, ?)', [quoted(table), column]);
    const sequence = found?.[0];
    if (typeof sequence !== 'string') {
      throw new Failure('sequence_missing', `${table}.${column} has no sequence to advance.`, {
        hint: "Take advanceSequence out of the group's declaration, or make the key an identity column.",
      });
    }
    await this.query(
      `SELECT setval(?::text::regclass, ?::bigint)
       WHERE coalesce(pg_sequence_last_value(?::text::regclass), 0) < ?::bigint`,
      [sequence, greatest, sequence, greatest],
    );
  }

  /** By COPY, in the session's own snapshot. */
  async linkTo(source: Session): Promise<Link | undefined> {
    if (!(source instanceof PostgresWriter)) return undefined;
    return {
      named: quoted,
      insert: (table, columns, select) =>
        copied(
          { client: source.#client, place: source.#place, select },
          { client: this.#client, place: this.#place, table, columns },
        ),
    };
  }

  async attempt<T>(work: () => Promise<T>): Promise<T> {
    await this.run('SAVEPOINT attempt');
    try {
      const result = await work();
      await this.run('RELEASE SAVEPOINT attempt');
      return result;
    } catch (error) {
      // Rolling back keeps the savepoint; left there, it would be the one that an attempt around this goes back to.
      await this.run('ROLLBACK TO SAVEPOINT attempt');
      await this.run('RELEASE SAVEPOINT attempt');
      throw error;
    }
  }

  async #send(sql: string, values: readonly unknown[]): Promise<pg.QueryArrayResult<Row>> {
    try {
      return (await this.#client.query({
        text: numbered(sql),
        values: values as unknown[],
        rowMode: 'array',
      })) as pg.QueryArrayResult<Row>;
    } catch (error) {
      throw storeFailure(error, this.#place);
    }
  }
}

/** As JavaScript shows a negative zero, it has lost its sign. */
function sent(value: Value): Value {
  return Object.is(value, -0) ? '-0' : value;
}
