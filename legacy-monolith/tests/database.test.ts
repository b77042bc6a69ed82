import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, DatabaseUrlError, openDatabase } from '../db/database.ts';
import { databases, type TestStore } from './ticketnow.ts';

const insert = `INSERT INTO venues (name, city, capacity) VALUES (?, 'Rome', 5)`;

describe.each(databases)('the database layer on %s', (_name, createStore) => {
  let store: TestStore;
  let db: Database;
  beforeEach(async () => {
    store = await createStore();
    db = await openDatabase(store.url);
  });
  afterEach(async () => {
    await db.close();
    await store.drop();
  });

  const names = async () =>
    (await db.all<{ name: string }>('SELECT name FROM venues ORDER BY id')).map((v) => v.name);

  test('a transaction that fails leaves nothing, and does not take others with it', async () => {
    const failing = db.transaction(async (tx) => {
      await tx.run(insert, ['inside']);
      // What is asked outside meanwhile waits, or runs on a connection of its own: never inside.
      void db.run(insert, ['outside']);
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    await expect.poll(names).toEqual(['outside']);
  });

  test('nobody outside sees half a transaction', async () => {
    let seen: Promise<string[]> | undefined;
    await db.transaction(async (tx) => {
      await tx.run(insert, ['first']);
      seen = names();
      await new Promise((resolve) => setImmediate(resolve));
      await tx.run(insert, ['second']);
      expect(await tx.one('SELECT COUNT(*) AS n FROM venues')).toEqual({ n: 2 });
    });
    expect([0, 2]).toContain((await seen)?.length);
    expect(await names()).toEqual(['first', 'second']);
  });

  test('a failed statement does not stop the next', async () => {
    await expect(db.run('INSERT INTO nothing VALUES (?)', [1])).rejects.toThrow('nothing');
    await expect(db.transaction((tx) => tx.run('INSERT INTO nothing VALUES (?)', [1]))).rejects.toThrow(
      'nothing',
    );
    expect(await db.run(insert, ['after'])).toBe(1);
  });

  test('counts and sums are numbers, times are text', async () => {
    await db.run(insert, ['x']);
    await db.run(`INSERT INTO sessions (sid, data, expires_at) VALUES ('s', '{}', '2026-03-29 02:30:00')`);
    expect(await db.one('SELECT COUNT(*) AS n, SUM(capacity) AS sum FROM venues')).toEqual({ n: 1, sum: 5 });
    expect(await db.one('SELECT expires_at FROM sessions')).toEqual({ expires_at: '2026-03-29 02:30:00' });
    expect(await db.one('SELECT expires_at FROM sessions WHERE sid = ?', ['t'])).toBeUndefined();
  });

  test('opening it again keeps what is there', async () => {
    await db.run(insert, ['kept']);
    const again = await openDatabase(store.url);
    expect(await again.all('SELECT name FROM venues')).toEqual([{ name: 'kept' }]);
    await again.close();
  });
});

test('SQLite keeps its own default settings', async () => {
  const store = await databases[0]![1]();
  const db = await openDatabase(store.url);
  expect(await db.one('PRAGMA journal_mode')).toEqual({ journal_mode: 'delete' });
  expect(await db.one('PRAGMA synchronous')).toEqual({ synchronous: 2 });
  await db.close();
  await store.drop();
});

test.each(['', 'sqlite:', 'mysql://x', 'legacy.db', 'postgres://:bad:/'])(
  '%j is no database URL',
  async (url) => {
    await expect(openDatabase(url)).rejects.toThrow(DatabaseUrlError);
  },
);
