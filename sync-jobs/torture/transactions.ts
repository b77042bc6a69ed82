import { setTimeout as delay } from 'node:timers/promises';
import { type Cell, type Connection, Rejected } from './connection.ts';
import { type Counts, noCounts } from './counts.ts';
import type { Random } from './random.ts';
import { newRow, someColumns, type WorkSide, type WorkTable } from './rows.ts';

const operations = {
  insertParent: 14,
  insertGiven: 4,
  updateParent: 20,
  updateOurs: 2,
  deleteParent: 4,
  changeParentKey: 3,
  moveParent: 2,
  swapSku: 5,
  swapSlots: 5,
  swapParentKeys: 2,
  upsertParent: 6,
  replaceParent: 5,
  updateOrReplace: 3,
  insertOrIgnore: 3,
  writeCode: 12,
  removeCode: 5,
  changeCodeKey: 3,
  insertChild: 16,
  updateChild: 8,
  deleteChild: 5,
  swapAuthors: 3,
  updateMany: 2,
  deleteMany: 1,
  emptyTable: 0.15,
};

/** An application's transactions on one side, decided by a seeded generator. */
export class Workload {
  readonly #connection: Connection;
  readonly #side: WorkSide;
  readonly #random: Random;
  #counts = noCounts();

  constructor(connection: Connection, side: WorkSide, random: Random) {
    this.#connection = connection;
    this.#side = side;
    this.#random = random;
  }

  /** Runs one, and says what it came to. */
  async transaction(): Promise<Counts> {
    const random = this.#random;
    this.#counts = noCounts();
    const steps = Array.from({ length: random.chance(0.5) ? 1 : random.between(2, 6) }, () => ({
      what: random.weighted(operations),
      savepoint: random.weighted({ none: 6, kept: 2, undone: 2 }),
    }));
    const long = random.chance(0.01);
    const rollback = random.chance(0.08);
    try {
      await this.#connection.script(this.#begin());
      for (const step of steps) {
        await this.#step(step.what, step.savepoint);
        if (long) await delay(random.between(20, this.#postgres ? 900 : 120));
      }
      if (!rollback) {
        await this.#connection.run('COMMIT');
        return { ...this.#counts, transactions: 1 };
      }
      await this.#connection.run('ROLLBACK');
      return { ...noCounts(), rolledBack: 1 };
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      // SQLite has rolled back by itself where it could not go on.
      await this.#connection.run('ROLLBACK').catch(() => {});
      return { ...noCounts(), rejected: 1 };
    }
  }

  get #postgres(): boolean {
    return this.#connection.dialect === 'postgres';
  }

  #begin(): string {
    if (this.#postgres) return this.#random.chance(0.1) ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'BEGIN';
    // A transaction that begins by reading and then cannot write is turned away; most take the lock at once.
    return this.#random.chance(0.2) ? 'BEGIN' : 'BEGIN IMMEDIATE';
  }

  async #step(what: keyof typeof operations, savepoint: 'none' | 'kept' | 'undone'): Promise<void> {
    if (savepoint === 'none') return this.#perform(what);
    const before = { ...this.#counts };
    await this.#connection.run('SAVEPOINT s');
    let undone = savepoint === 'undone';
    await this.#perform(what).catch((error: unknown) => {
      if (!(error instanceof Rejected)) throw error;
      undone = true;
    });
    if (undone) {
      await this.#connection.run('ROLLBACK TO SAVEPOINT s');
      this.#counts = before;
    }
    await this.#connection.run('RELEASE SAVEPOINT s');
  }

  async #perform(what: keyof typeof operations): Promise<void> {
    const { parent, codes, child, softDelete } = this.#side;
    const random = this.#random;
    switch (what) {
      case 'insertParent':
        return this.#insert(parent, { ...parent.pickKey(random), ...newRow(parent, random) });
      case 'insertGiven':
        return this.#insert(parent, newRow(parent, random));
      case 'updateParent':
        return this.#update(parent, someColumns(parent, random), await this.#someKey(parent));
      case 'updateOurs':
        return this.#run(
          'updates',
          `UPDATE ${parent.name} SET ${parent.ours} = ${parent.ours} + 1 WHERE ${equal(parent.key)}`,
          Object.values(parent.pickKey(random)),
        );
      case 'deleteParent':
        return this.#deleteParent(await this.#someKey(parent));
      case 'changeParentKey':
        return this.#update(parent, parent.pickKey(random), await this.#someKey(parent));
      case 'moveParent':
        return this.#moveParent();
      case 'swapSku':
        return this.#swap(parent, 'sku', null, parent.pickKey(random), parent.pickKey(random));
      case 'swapSlots':
        return this.#swap(
          parent,
          'slot',
          -1n - BigInt(random.below(1_000_000)),
          parent.pickKey(random),
          parent.pickKey(random),
        );
      case 'swapParentKeys':
        return this.#swapKeys();
      case 'upsertParent':
        return this.#upsert(parent, { ...parent.pickKey(random), ...newRow(parent, random) });
      case 'replaceParent': {
        const row = { ...(random.chance(0.8) ? parent.pickKey(random) : {}), ...newRow(parent, random) };
        return this.#postgres
          ? this.#upsert(parent, { ...parent.pickKey(random), ...row })
          : this.#insert(parent, row, 'OR REPLACE ');
      }
      case 'updateOrReplace':
        return this.#update(
          parent,
          { ...someColumns(parent, random), ...(random.chance(0.3) ? parent.pickKey(random) : {}) },
          parent.pickKey(random),
          this.#postgres ? '' : 'OR REPLACE ',
        );
      case 'insertOrIgnore':
        return this.#insert(
          parent,
          { ...parent.pickKey(random), ...newRow(parent, random) },
          this.#postgres ? '' : 'OR IGNORE ',
          this.#postgres ? ' ON CONFLICT DO NOTHING' : '',
        );
      case 'writeCode':
        return this.#upsert(
          codes,
          { ...codes.pickKey(random), ...newRow(codes, random) },
          softDelete?.column,
        );
      case 'removeCode': {
        const key = codes.pickKey(random);
        return softDelete === undefined || random.chance(0.4)
          ? this.#delete(codes, key)
          : this.#update(codes, { [softDelete.column]: '2026-11-01 00:00:00' }, key);
      }
      case 'changeCodeKey':
        return this.#update(codes, codes.pickKey(random), codes.pickKey(random));
      case 'insertChild':
        return random.chance(0.3)
          ? this.#insert(child, newRow(child, random))
          : this.#upsert(child, { ...child.pickKey(random), ...newRow(child, random) });
      case 'updateChild':
        return this.#update(child, someColumns(child, random), await this.#someKey(child));
      case 'deleteChild':
        return this.#delete(child, await this.#someKey(child));
      case 'swapAuthors':
        return this.#swapAuthors();
      case 'updateMany':
        return this.#range(
          'updates',
          `UPDATE ${parent.name} SET weight = coalesce(weight, 0) + 1, slot = -slot - 1`,
          parent,
        );
      case 'deleteMany':
        return this.#range('deletes', `DELETE FROM ${child.name}`, child);
      case 'emptyTable':
        return this.#empty();
    }
  }

  async #run(kind: 'inserts' | 'updates' | 'deletes', sql: string, parameters: Cell[]): Promise<void> {
    this.#counts[kind] += await this.#connection.run(sql, parameters);
  }

  #insert(table: WorkTable, row: Record<string, Cell>, how = '', end = ''): Promise<void> {
    const names = Object.keys(row);
    const marks = names.map(() => '?').join(', ');
    return this.#run(
      'inserts',
      `INSERT ${how}INTO ${table.name} (${names.join(', ')}) VALUES (${marks})${end}`,
      Object.values(row),
    );
  }

  #upsert(table: WorkTable, row: Record<string, Cell>, cleared?: string): Promise<void> {
    const names = Object.keys(row).filter((name) => !table.key.includes(name));
    const set = [
      ...names.map((name) => `${name} = excluded.${name}`),
      ...(cleared === undefined ? [] : [`${cleared} = NULL`]),
    ];
    return this.#insert(
      table,
      row,
      '',
      ` ON CONFLICT (${table.key.join(', ')}) DO UPDATE SET ${set.join(', ')}`,
    );
  }

  #update(
    table: WorkTable,
    columns: Record<string, Cell>,
    key: Record<string, Cell>,
    how = '',
  ): Promise<void> {
    return this.#run(
      'updates',
      `UPDATE ${how}${table.name} SET ${Object.keys(columns)
        .map((name) => `${name} = ?`)
        .join(', ')} WHERE ${equal(table.key)}`,
      [...Object.values(columns), ...Object.values(key)],
    );
  }

  #delete(table: WorkTable, key: Record<string, Cell>): Promise<void> {
    return this.#run('deletes', `DELETE FROM ${table.name} WHERE ${equal(table.key)}`, Object.values(key));
  }

  /** One that a writer chose, or now and then one that the database gave out. */
  async #someKey(table: WorkTable): Promise<Record<string, Cell>> {
    const offset = this.#random.below(40);
    const key = table.pickKey(this.#random);
    if (!this.#random.chance(0.25)) return key;
    const name = table.key[0]!;
    const [found] = await this.#connection.rows(
      `SELECT ${name} AS id FROM ${table.name} ORDER BY ${name} DESC LIMIT 1 OFFSET ${offset}`,
    );
    return found === undefined ? key : { [name]: BigInt(found.id!) };
  }

  /** The service's tables refuse to lose a row that others refer to, so these go first. */
  async #deleteParent(key: Record<string, Cell>): Promise<void> {
    const { parent, child, softDelete } = this.#side;
    const reference = referenceOf(this.#side);
    if (softDelete === undefined) {
      await this.#run('deletes', `DELETE FROM ${child.name} WHERE ${reference} = ?`, Object.values(key));
    }
    await this.#delete(parent, key);
  }

  /** A new row takes over another one's rows, and its unique values, and the other one goes. */
  async #moveParent(): Promise<void> {
    const { parent, child } = this.#side;
    const reference = referenceOf(this.#side);
    const [from, to] = [await this.#someKey(parent), parent.pickKey(this.#random)].map(
      (key) => Object.values(key)[0]!,
    );
    const [row] = await this.#connection.rows(
      `SELECT sku, slot FROM ${parent.name} WHERE ${equal(parent.key)}`,
      [from!],
    );
    const taken = await this.#connection.rows(
      `SELECT 1 AS one FROM ${parent.name} WHERE ${equal(parent.key)}`,
      [to!],
    );
    const made = newRow(parent, this.#random);
    if (row === undefined || taken.length > 0) return;
    await this.#run('updates', `UPDATE ${parent.name} SET sku = NULL, slot = ? WHERE ${equal(parent.key)}`, [
      -BigInt(row.slot!) - 5n,
      from!,
    ]);
    await this.#insert(parent, { ...made, [parent.key[0]!]: to!, sku: row.sku!, slot: BigInt(row.slot!) });
    const mark = this.#side.softDelete === undefined ? ", written_by = 'service'" : '';
    await this.#run('updates', `UPDATE ${child.name} SET ${reference} = ?${mark} WHERE ${reference} = ?`, [
      to!,
      from!,
    ]);
    await this.#delete(parent, { id: from! });
  }

  /** Two rows exchange a unique value; one lets go of it for a moment. */
  async #swap(
    table: WorkTable,
    column: string,
    free: Cell,
    one: Record<string, Cell>,
    other: Record<string, Cell>,
  ): Promise<void> {
    const read = async (key: Record<string, Cell>) =>
      (
        await this.#connection.rows(
          `SELECT ${column} AS value FROM ${table.name} WHERE ${equal(table.key)}`,
          Object.values(key),
        )
      )[0];
    const [left, right] = [await read(one), await read(other)];
    if (left === undefined || right === undefined || Object.values(one)[0] === Object.values(other)[0])
      return;
    await this.#update(table, { [column]: free }, one);
    await this.#update(table, { [column]: left.value! }, other);
    await this.#update(table, { [column]: right.value! }, one);
  }

  async #swapKeys(): Promise<void> {
    const { parent } = this.#side;
    const [one, other] = [parent.pickKey(this.#random), parent.pickKey(this.#random)];
    const aside = { [parent.key[0]!]: -1n - BigInt(this.#random.below(1_000_000)) };
    await this.#update(parent, aside, one);
    await this.#update(parent, one, other);
    await this.#update(parent, other, aside);
  }

  /** Two rows of one parent exchange the part of a unique index that is not the reference. */
  async #swapAuthors(): Promise<void> {
    const { child } = this.#side;
    const reference = referenceOf(this.#side);
    const key = child.key[0]!;
    const rows = await this.#connection.rows(
      `SELECT a.${key} AS one, a.author AS mine, b.${key} AS other, b.author AS yours FROM ${child.name} a
       JOIN ${child.name} b ON a.${reference} = b.${reference} AND a.${key} < b.${key} ORDER BY 1, 3 LIMIT 1 OFFSET ${this.#random.below(20)}`,
    );
    const [pair] = rows;
    if (pair === undefined) return;
    const mark = this.#side.softDelete === undefined ? { written_by: 'service' } : {};
    const [one, other] = [{ [key]: BigInt(pair.one!) }, { [key]: BigInt(pair.other!) }];
    await this.#update(child, { author: `aside ${pair.one}`, ...mark }, one);
    await this.#update(child, { author: pair.mine!, ...mark }, other);
    await this.#update(child, { author: pair.yours!, ...mark }, one);
  }

  #range(kind: 'updates' | 'deletes', sql: string, table: WorkTable): Promise<void> {
    const from = BigInt(this.#random.below(500));
    return this.#run(kind, `${sql} WHERE ${table.key[0]} BETWEEN ? AND ?`, [
      from,
      from + BigInt(this.#random.below(30)),
    ]);
  }

  /** TRUNCATE, or on SQLite all rows at once; and now and then some new ones behind it. */
  async #empty(): Promise<void> {
    const { parent, codes, child } = this.#side;
    const all = this.#random.chance(0.5) ? [child, parent] : [this.#random.pick([child, codes])];
    if (this.#postgres) {
      await this.#connection.run(`TRUNCATE ${all.map(({ name }) => name).join(', ')}`);
    } else {
      for (const { name } of all) await this.#run('deletes', `DELETE FROM ${name}`, []);
    }
    this.#counts.truncates++;
    for (const table of all.toReversed()) {
      for (let rows = this.#random.below(40); rows > 0; rows--) {
        if (table !== child)
          await this.#upsert(table, { ...table.pickKey(this.#random), ...newRow(table, this.#random) });
      }
    }
  }
}

function equal(key: string[]): string {
  return key.map((name) => `${name} = ?`).join(' AND ');
}

function referenceOf(side: WorkSide): string {
  return side.softDelete === undefined ? 'product_id' : 'article_id';
}
