import Database from 'better-sqlite3';
import { originTable } from './origin.ts';
import { quoted } from './sql.ts';
import type { Link, ManyRows, Parameter, Session, Writer } from './store.ts';
import type { Row } from './value.ts';

/** What can be done inside one transaction. */
export class SqliteWriter implements Writer {
  readonly #database: Database.Database;
  readonly #translating: <R>(part: () => R) => R;
  #attached = false;

  constructor(database: Database.Database, translating: <R>(part: () => R) => R) {
    this.#database = database;
    this.#translating = translating;
  }

  async query(sql: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    return this.#translating(() => prepared(this.#database, sql).raw().all(parameters) as Row[]);
  }

  async run(sql: string, parameters: readonly Parameter[] = []): Promise<number> {
    return this.#translating(() => prepared(this.#database, sql).run(parameters).changes);
  }

  async many({ perRow }: ManyRows, rows: Row[]): Promise<number> {
    return this.#translating(() => {
      const statement = prepared(this.#database, perRow);
      let changes = 0;
      let waiting = rows;
      while (waiting.length > 0) {
        const refused: Row[] = [];
        let reason: unknown;
        for (const row of waiting) {
          try {
            changes += statement.run(row).changes;
          } catch (error) {
            if (!isForeignKey(error)) throw error;
            // The row that it refers to, or that refers to it, may be among those to come.
            refused.push(row);
            reason ??= error;
          }
        }
        if (refused.length === waiting.length) throw reason;
        waiting = refused;
      }
      return changes;
    });
  }

  async advanceSequence(): Promise<void> {}

  /**
   * By ATTACH, inside the transaction: one that is attached before it begins would be locked for writing as well. What it
   * shows is read by this connection, whose view of the file may be newer than the session's: the witness tells.
   */
  async linkTo(source: Session, witness: string): Promise<Link | undefined> {
    if (!(source instanceof SqliteWriter)) return undefined;
    const named = (table: string) => `${attachedAs}.${quoted(table)}`;
    return this.#translating(() => {
      this.#database.prepare(`ATTACH ? AS ${attachedAs}`).run(source.#database.name);
      this.#attached = true;
      const seen = (database: Database.Database, table: string) =>
        JSON.stringify(database.prepare(`SELECT * FROM ${table}`).safeIntegers(false).raw().all());
      if (seen(source.#database, quoted(witness)) !== seen(this.#database, named(witness))) return undefined;
      return {
        named,
        insert: async (table, columns, select) =>
          this.#withoutCapture(table, () => this.run(insertInto(table, columns, select))),
      };
    });
  }

  /**
   * Capture logs nothing that a feed writes, but a trigger, whatever it does, makes SQLite keep all rows of a select in a
   * table of their own first, and costs as much again for each. So it is taken away and comes back within the transaction:
   * no one else can write meanwhile.
   */
  async #withoutCapture<T>(table: string, work: () => Promise<T>): Promise<T> {
    const triggers = await this.query(
      `SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE
       AND instr(sql, ?) > 0 ORDER BY rowid`,
      [table, originTable],
    );
    for (const [name] of triggers) this.#database.exec(`DROP TRIGGER main.${quoted(String(name))}`);
    const result = await work();
    for (const [, sql] of triggers) this.#database.exec(String(sql));
    return result;
  }

  /** To be called when the transaction is over. */
  unlink(): void {
    if (this.#attached) this.#database.exec(`DETACH ${attachedAs}`);
    this.#attached = false;
  }

  async attempt<T>(work: () => Promise<T>): Promise<T> {
    this.#database.exec('SAVEPOINT attempt');
    try {
      const result = await work();
      this.#database.exec('RELEASE attempt');
      return result;
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK TO attempt; RELEASE attempt');
      throw error;
    }
  }
}

/** The select of a link sees the source's tables under this name. */
const attachedAs = 'strangler_source';

function insertInto(table: string, columns: string[], select: string): string {
  return `INSERT INTO main.${quoted(table)} (${columns.map(quoted).join(', ')}) ${select}`;
}

function isForeignKey(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_CONSTRAINT_FOREIGNKEY';
}

const statements = new WeakMap<Database.Database, Map<string, Database.Statement<unknown[], unknown>>>();

function prepared(database: Database.Database, sql: string): Database.Statement<unknown[], unknown> {
  let known = statements.get(database);
  if (known === undefined) {
    known = new Map();
    statements.set(database, known);
  }
  let statement = known.get(sql);
  if (statement === undefined) {
    if (known.size > 500) known.clear();
    statement = database.prepare<unknown[], unknown>(sql);
    known.set(sql, statement);
  }
  return statement;
}
