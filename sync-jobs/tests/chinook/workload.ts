import type { Dialect, TestDatabase } from '../databases.ts';
import { insertInvoice, insertLines, insertRows, textOf, timeOf } from './generate.ts';
import { spelled } from './groups.ts';
import type { Random } from './random.ts';

type Query = TestDatabase['query'];

/** Transactions as the application that owns Chinook's tables might run them: each of one or of several rows. */
export class LegacyWorkload {
  readonly #database: TestDatabase;
  readonly #random: Random;

  constructor(database: TestDatabase, random: Random) {
    this.#database = database;
    this.#random = random;
  }

  async run(transactions: number): Promise<void> {
    for (let count = 0; count < transactions; count++) {
      const work = this.#random.of([
        this.#place,
        this.#change,
        this.#remove,
        this.#renumber,
        this.#swap,
        this.#playlists,
      ]);
      await this.#database.transaction(async (query) => {
        await work.call(this, query, { query, dialect: this.#database.dialect });
      });
    }
  }

  /** An invoice with its lines, and its total after them. */
  async #place(query: Query, on: { query: Query; dialect: Dialect }): Promise<void> {
    const id = await this.#free(query, 'Invoice', 'InvoiceId');
    const line = await this.#free(query, 'InvoiceLine', 'InvoiceLineId');
    await insertInvoice(on, id, this.#random);
    await insertLines(on, id, [line, line + 1, line + 2], this.#random);
    await query(
      this
        .#sql`UPDATE Invoice SET Total = (SELECT sum(UnitPrice * Quantity) FROM InvoiceLine WHERE InvoiceLine.InvoiceId = Invoice.InvoiceId) WHERE InvoiceId = ?`,
      id,
    );
  }

  /** Columns of one invoice, then one of many lines at once. */
  async #change(query: Query): Promise<void> {
    const id = await this.#any(query, 'Invoice', 'InvoiceId');
    await query(
      this
        .#sql`UPDATE Invoice SET InvoiceDate = ?, BillingCity = ?, BillingState = ?, Total = Total + 1.25 WHERE InvoiceId = ?`,
      timeOf(this.#random),
      textOf(this.#random, 2, 40),
      this.#random.chance(0.5) ? null : textOf(this.#random, 1, 40),
      id,
    );
    await query(
      this.#sql`UPDATE InvoiceLine SET Quantity = Quantity % 9 + 1 WHERE TrackId < ?`,
      this.#random.upTo(60),
    );
  }

  /** Lines, and their invoice with them or not. */
  async #remove(query: Query): Promise<void> {
    const id = await this.#any(query, 'Invoice', 'InvoiceId');
    await query(this.#sql`DELETE FROM InvoiceLine WHERE InvoiceId = ?`, id);
    if (this.#random.chance(0.7)) await query(this.#sql`DELETE FROM Invoice WHERE InvoiceId = ?`, id);
  }

  /** Another key for a line, and for an invoice together with what refers to it. */
  async #renumber(query: Query, on: { query: Query; dialect: Dialect }): Promise<void> {
    const line = await this.#any(query, 'InvoiceLine', 'InvoiceLineId');
    const freeLine = await this.#free(query, 'InvoiceLine', 'InvoiceLineId');
    await query(this.#sql`UPDATE InvoiceLine SET InvoiceLineId = ? WHERE InvoiceLineId = ?`, freeLine, line);
    const from = await this.#any(query, 'Invoice', 'InvoiceId');
    const to = await this.#free(query, 'Invoice', 'InvoiceId');
    await insertInvoice(on, to, this.#random);
    await query(this.#sql`UPDATE InvoiceLine SET InvoiceId = ? WHERE InvoiceId = ?`, to, from);
    await query(this.#sql`DELETE FROM Invoice WHERE InvoiceId = ?`, from);
  }

  /** Two lines take each other's key, by way of a third one; a row comes and goes within the transaction. */
  async #swap(query: Query, on: { query: Query; dialect: Dialect }): Promise<void> {
    const one = await this.#any(query, 'InvoiceLine', 'InvoiceLineId');
    const other = await this.#any(query, 'InvoiceLine', 'InvoiceLineId');
    const move = this.#sql`UPDATE InvoiceLine SET InvoiceLineId = ? WHERE InvoiceLineId = ?`;
    await query(move, -1, one);
    if (one !== other) await query(move, one, other);
    await query(move, other, -1);
    const brief = await this.#free(query, 'Invoice', 'InvoiceId');
    await insertInvoice(on, brief, this.#random);
    await query(this.#sql`DELETE FROM Invoice WHERE InvoiceId = ?`, brief);
  }

  /** A list is made, one is emptied, and of a third one some entries become others: a change of their key. */
  async #playlists(query: Query, on: { query: Query; dialect: Dialect }): Promise<void> {
    const list = await this.#free(query, 'Playlist', 'PlaylistId');
    await insertRows(on, 'Playlist', ['PlaylistId', 'Name'], [[list, textOf(this.#random, 2, 120)]]);
    await insertRows(
      on,
      'PlaylistTrack',
      ['PlaylistId', 'TrackId'],
      [1, 2, 3, 899].map((track) => [list, track]),
    );
    const other = await this.#any(query, 'Playlist', 'PlaylistId');
    await query(
      this
        .#sql`UPDATE PlaylistTrack SET TrackId = 900 - (TrackId + 1) % 900 WHERE PlaylistId = ? AND TrackId = 2`,
      list,
    );
    await query(this.#sql`DELETE FROM PlaylistTrack WHERE PlaylistId = ? AND TrackId % 2 = 0`, other);
    await query(
      this.#sql`UPDATE Playlist SET Name = ? WHERE PlaylistId = ?`,
      textOf(this.#random, 2, 120),
      other,
    );
    const gone = await this.#any(query, 'Playlist', 'PlaylistId');
    if (this.#random.chance(0.3)) {
      await query(this.#sql`DELETE FROM PlaylistTrack WHERE PlaylistId = ?`, gone);
      await query(this.#sql`DELETE FROM Playlist WHERE PlaylistId = ?`, gone);
    }
  }

  /** A statement in SQLite's spelling, as the database spells it. */
  #sql([text]: TemplateStringsArray): string {
    return text!.replaceAll(/\b[A-Z][a-z]\w*\b/g, (name) => `"${spelled(this.#database.dialect, name)}"`);
  }

  async #free(query: Query, table: string, key: string): Promise<number> {
    const { dialect } = this.#database;
    const [row] = await query(
      `SELECT max("${spelled(dialect, key)}") AS last FROM "${spelled(dialect, table)}"`,
    );
    return Number(row!.last) + this.#random.upTo(5);
  }

  async #any(query: Query, table: string, key: string): Promise<number> {
    const { dialect } = this.#database;
    const column = `"${spelled(dialect, key)}"`;
    const from = `FROM "${spelled(dialect, table)}"`;
    const [range] = await query(`SELECT max(${column}) AS last ${from}`);
    const [row] = await query(
      `SELECT min(${column}) AS id ${from} WHERE ${column} >= ?`,
      this.#random.upTo(Number(range!.last)),
    );
    return Number(row!.id);
  }
}
