import { describe, expect, test } from 'vitest';
import { copy } from '../../mapping/fields.ts';
import { defineGroup } from '../../mapping/group.ts';
import type { Dialect, TestDatabase } from '../databases.ts';
import { openPair, settled } from '../store-pair.ts';

// A renamed parent changes every row that refers to it. With many renames behind it a feed reads pages none of which can
// be applied for itself: the parent that a row refers to comes, or went, with another page.

const group = defineGroup({
  name: 'shop',
  tables: [
    { from: 'products', to: 'products', key: { from: 'sku', to: 'sku' }, owned: [copy('title')] },
    { from: 'items', to: 'items', key: { from: 'id', to: 'id' }, owned: [copy('sku'), copy('quantity')] },
  ],
});

const rows = 300;

async function createTables(database: TestDatabase): Promise<void> {
  await database.script(`
    CREATE TABLE products (sku varchar(40) NOT NULL PRIMARY KEY, title text);
    CREATE TABLE items (id integer NOT NULL PRIMARY KEY, quantity integer,
      sku varchar(40) NOT NULL REFERENCES products (sku) ON UPDATE CASCADE)`);
  if (database.dialect === 'sqlite') await database.script('PRAGMA foreign_keys = ON');
}

async function rename(database: TestDatabase, from: string, to: string): Promise<void> {
  await database.query('UPDATE products SET sku = ? WHERE sku = ?', to, from);
  await database.query('UPDATE items SET quantity = quantity + 1 WHERE id % 7 = 3');
}

/** A service whose rows go with the row that they refer to. */
async function createCascading(database: TestDatabase): Promise<void> {
  await database.script(`
    CREATE TABLE products (sku varchar(40) NOT NULL PRIMARY KEY, title text);
    CREATE TABLE items (id integer NOT NULL PRIMARY KEY, quantity integer,
      sku varchar(40) NOT NULL REFERENCES products (sku) ON UPDATE CASCADE ON DELETE CASCADE)`);
}

describe.each<[Dialect, Dialect]>([
  ['sqlite', 'sqlite'],
  ['postgres', 'postgres'],
])('%s to %s', (from, to) => {
  test('a parent that goes and comes again in one transaction keeps its rows, however its pages are cut', async () => {
    const deferred = (database: TestDatabase) =>
      database.script(`
        CREATE TABLE products (sku varchar(40) NOT NULL PRIMARY KEY, title text);
        CREATE TABLE items (id integer NOT NULL PRIMARY KEY, quantity integer,
          sku varchar(40) NOT NULL REFERENCES products (sku) DEFERRABLE INITIALLY DEFERRED)`);
    const pair = await openPair(group, [from, to], { legacy: deferred, service: createCascading });
    try {
      await pair.legacy.query("INSERT INTO products VALUES ('p', 'x')");
      for (let id = 1; id <= 9; id++) {
        await pair.legacy.query("INSERT INTO items (id, quantity, sku) VALUES (?, 1, 'p')", id);
      }
      const feed = pair.feed('forward', { pageRows: 2 });
      await pair.drain(feed);
      await pair.legacy.transaction(async (query) => {
        await query('UPDATE items SET quantity = 2 WHERE id = 1');
        await query("DELETE FROM products WHERE sku = 'p'");
        for (const id of [2, 3, 4, 5]) await query('UPDATE items SET quantity = 2 WHERE id = ?', id);
        await query("INSERT INTO products VALUES ('p', 'again')");
      });
      await pair.drain(feed);
      expect(await pair.service.query('SELECT * FROM items ORDER BY id')).toEqual(
        await pair.legacy.query('SELECT * FROM items ORDER BY id'),
      );
    } finally {
      await pair.close();
    }
  });

  test('renames of a parent in a long backlog, and the one row among them that is refused', async () => {
    const pair = await openPair(group, [from, to], { legacy: createTables, service: createTables });
    try {
      await pair.legacy.query("INSERT INTO products VALUES ('even', 'x'), ('other', 'y')");
      for (let id = 1; id <= rows; id++) {
        await pair.legacy.query('INSERT INTO items (id, quantity, sku) VALUES (?, 1, ?)', id, 'even');
      }
      const feed = pair.feed('forward', { pageRows: 40 });
      await pair.drain(feed);
      for (let count = 0; count < 2; count++) {
        await rename(pair.legacy, 'even', 'odd');
        await rename(pair.legacy, 'odd', 'even');
      }
      await pair.drain(feed);
      const equal = async () =>
        expect(await pair.service.query('SELECT * FROM items ORDER BY id')).toEqual(
          await pair.legacy.query('SELECT * FROM items ORDER BY id'),
        );
      await equal();

      const refuses = {
        sqlite: `CREATE TRIGGER refuses BEFORE UPDATE ON items WHEN NEW.id = 123 AND NEW.sku = 'bad'
          BEGIN SELECT RAISE(ABORT, 'refused'); END`,
        postgres: "ALTER TABLE items ADD CONSTRAINT refuses CHECK (id <> 123 OR sku <> 'bad')",
      };
      await pair.service.script(refuses[to]);
      await rename(pair.legacy, 'even', 'bad');
      await expect(pair.drain(feed)).rejects.toMatchObject({
        message: expect.stringContaining('stands before row 123 of items'),
      });
      await rename(pair.legacy, 'bad', 'even');
      await settled(pair.legacy);
      feed.forget();
      await pair.drain(feed);
      await equal();
    } finally {
      await pair.close();
    }
  });
});
