import Database from 'better-sqlite3';
import { encodeRow, type Row } from '../stores/value.ts';

/**
 * Remembers which values were seen under a name, and in which row first. In a temporary file that goes when it is closed:
 * memory stays the same however many rows there are.
 */
export class Seen {
  readonly #database = new Database('');
  readonly #add: Database.Statement<[string, string, string]>;
  readonly #first: Database.Statement<[string, string], string>;

  constructor() {
    this.#database.pragma('journal_mode = OFF');
    this.#database.pragma('synchronous = OFF');
    this.#database.exec(
      'CREATE TABLE seen (name TEXT, value TEXT, row TEXT, PRIMARY KEY (name, value)) WITHOUT ROWID',
    );
    this.#add = this.#database.prepare('INSERT OR IGNORE INTO seen VALUES (?, ?, ?)');
    this.#first = this.#database
      .prepare<[string, string], string>('SELECT row FROM seen WHERE name = ? AND value = ?')
      .pluck();
  }

  /** The row that had the values before; undefined where this is the first. */
  add(name: string, values: Row, row: string): string | undefined {
    const value = encodeRow(values);
    return this.#add.run(name, value, row).changes === 1 ? undefined : this.#first.get(name, value);
  }

  has(name: string, values: Row): boolean {
    return this.#first.get(name, encodeRow(values)) !== undefined;
  }

  close(): void {
    this.#database.close();
  }
}
