import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { copy } from '../mapping/fields.ts';
import { defineGroup } from '../mapping/group.ts';
import { openPair, type StorePair } from './store-pair.ts';

// A transaction stays open for long. What others commit behind it is not applied before it ends, nor copied, and rows
// that refer to what is not copied yet must wait as well.

const group = defineGroup({
  name: 'library',
  tables: [
    { from: 'authors', to: 'writers', key: { from: 'id', to: 'id' }, owned: [copy('name')] },
    { from: 'books', to: 'works', key: { from: 'id', to: 'id' }, owned: [copy('author_id', 'writer_id')] },
  ],
});

describe.each(['sqlite', 'postgres'] as const)('postgres to %s', (to) => {
  let pair: StorePair;
  let open: pg.Client;
  afterEach(async () => {
    await open.end();
    await pair.close();
  });

  test('rows are not copied before those that they refer to', async () => {
    pair = await openPair(group, ['postgres', to], {
      legacy: (database) =>
        database.script(`
          CREATE TABLE authors (id integer PRIMARY KEY, name text NOT NULL);
          CREATE TABLE books (id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES authors);
          CREATE TABLE other (id integer);
          INSERT INTO authors VALUES (1, 'Ada'), (2, 'Bo');
          INSERT INTO books VALUES (10, 1), (11, 2);`),
      service: (database) =>
        database.script(`
          CREATE TABLE writers (id integer PRIMARY KEY, name text NOT NULL);
          CREATE TABLE works (id integer PRIMARY KEY, writer_id integer NOT NULL REFERENCES writers (id));`),
    });
    open = new pg.Client({ connectionString: pair.legacy.url });
    await open.connect();
    await open.query('BEGIN');
    await open.query('INSERT INTO other VALUES (1)');
    await pair.legacy.query("UPDATE authors SET name = 'Bob' WHERE id = 2");
    const feed = pair.feed();
    for (let step = 0; step < 5; step++) await feed.step('legacy');
    expect(await pair.service.query('SELECT id FROM works')).toEqual([]);
    expect(feed.state?.backfill.done).toBe(false);
    await open.query('COMMIT');
    await pair.drain(feed);
    expect(feed.state?.backfill.done).toBe(true);
    expect(await pair.service.query('SELECT * FROM writers ORDER BY id')).toEqual([
      { id: '1', name: 'Ada' },
      { id: '2', name: 'Bob' },
    ]);
    expect(await pair.service.query('SELECT * FROM works ORDER BY id')).toEqual([
      { id: '10', writer_id: '1' },
      { id: '11', writer_id: '2' },
    ]);
  });
});
