import { afterEach, describe, expect, test } from 'vitest';
import { pairs } from '../store-pair.ts';
import { contents, insert, type MirrorPair, openMirror, type TrapTable } from './tables.ts';

// Keys whose order depends on who sorts them, keys of several columns, and keys that move.

const words: TrapTable = { name: 'words', columns: { word: 'text NOT NULL', n: 'integer' } };
const seats: TrapTable = {
  name: 'seats',
  columns: { hall: 'text NOT NULL', place: 'integer NOT NULL', guest: 'text' },
  key: ['hall', 'place'],
};
const numbers: TrapTable = { name: 'numbers', columns: { id: 'integer', v: 'text' } };

let pair: MirrorPair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

describe.each(pairs)('%s to %s', (from, to) => {
  test('text keys are copied in chunks whatever order the databases sort them in', async () => {
    pair = await openMirror([from, to], [words]);
    const keys = [
      'a',
      'B',
      'b',
      'ä',
      'Z',
      'z',
      'Ä',
      'é',
      '',
      ' ',
      '_',
      '-1',
      '10',
      '9',
      'aa',
      'a-b',
      'ab',
      '𝔘',
      '\ufffd',
      "'",
    ];
    for (const [n, word] of keys.entries()) await insert(pair.legacy, 'words', { word, n });
    await insert(
      pair.service,
      'words',
      { word: 'stale', n: 0 },
      { word: 'Stale', n: 0 },
      { word: '\u{10ffff}', n: 0 },
    );
    const feed = pair.feed('forward', { chunkRows: 2 });
    for (const [n, word] of keys.entries()) {
      await feed.step('legacy');
      await pair.legacy.query('UPDATE words SET n = n + 100 WHERE word = ?', keys[keys.length - 1 - n]);
      if (n % 3 === 0) await pair.legacy.query('DELETE FROM words WHERE word = ?', word);
      await insert(pair.legacy, 'words', { word: `${word}~`, n }, { word: `Ö${word}`, n });
    }
    await pair.drain(feed);
    await pair.expectEqual();
  });

  test('keys that differ in case alone are two rows, and one that changes its case moves', async () => {
    pair = await openMirror([from, to], [words]);
    await insert(pair.legacy, 'words', { word: 'Bob', n: 1 }, { word: 'bob', n: 2 });
    await pair.follow();
    await pair.legacy.query("UPDATE words SET word = 'BOB' WHERE word = 'bob'");
    await pair.legacy.query("UPDATE words SET n = 3 WHERE word = 'Bob'");
    await pair.follow();
    await pair.legacy.query("DELETE FROM words WHERE word = 'BOB'");
    await pair.follow();
    expect(await contents(pair.service, words)).toHaveLength(1);
  });

  test('keys of two columns: each part moves, and chunks end within the same first part', async () => {
    pair = await openMirror([from, to], [seats], { feed: { chunkRows: 2 } });
    for (const hall of ['B', 'a', 'ä']) {
      for (const place of [10, 9, 2, 1])
        await insert(pair.legacy, 'seats', { hall, place, guest: `${hall}${place}` });
    }
    await insert(pair.service, 'seats', { hall: 'a', place: 3, guest: 'stale' });
    await pair.follow();
    await pair.legacy.query("UPDATE seats SET place = 20 WHERE hall = 'B' AND place = 10");
    await pair.legacy.query("UPDATE seats SET hall = 'C' WHERE hall = 'B' AND place = 9");
    await pair.legacy.query("UPDATE seats SET guest = NULL WHERE hall = 'a'");
    await pair.legacy.query("DELETE FROM seats WHERE hall = 'ä' AND place < 9");
    await pair.follow();
  });

  test('swapped keys, a chain of keys and a key that comes back, each in one transaction', async () => {
    pair = await openMirror([from, to], [numbers]);
    for (const id of [1, 2, 3, 4, 5, 6, 7]) await insert(pair.legacy, 'numbers', { id, v: `v${id}` });
    await pair.follow();
    await pair.legacy.transaction(async (query) => {
      await query('UPDATE numbers SET id = 99 WHERE id = 1');
      await query('UPDATE numbers SET id = 1 WHERE id = 2');
      await query('UPDATE numbers SET id = 2 WHERE id = 99');
    });
    await pair.follow();
    await pair.legacy.transaction(async (query) => {
      for (const id of [7, 6, 5, 4]) await query('UPDATE numbers SET id = ? WHERE id = ?', id + 1, id);
      await query("UPDATE numbers SET v = 'moved' WHERE id = 5");
    });
    await pair.follow();
    await pair.legacy.transaction(async (query) => {
      await query('UPDATE numbers SET id = 50 WHERE id = 3');
      await query("UPDATE numbers SET v = 'away' WHERE id = 50");
      await query('UPDATE numbers SET id = 3 WHERE id = 50');
      await query('DELETE FROM numbers WHERE id = 8');
      await query("INSERT INTO numbers VALUES (8, 'again')");
    });
    await pair.follow();
    expect((await contents(pair.service, numbers)).map(([id]) => id)).toEqual([
      '1',
      '2',
      '3',
      '5',
      '6',
      '7',
      '8',
    ]);
  });

  test('a row whose key changes keeps what the service alone knows of it, and who refers to it', async () => {
    pair = await openMirror([from, to], [numbers]);
    const { legacy, service } = pair;
    for (const id of [1, 2, 3, 4]) await insert(legacy, 'numbers', { id, v: `v${id}` });
    await pair.follow();
    await service.script("ALTER TABLE numbers ADD COLUMN shelf text; UPDATE numbers SET shelf = 's' || id");
    await service.script(
      'CREATE TABLE notes (number integer REFERENCES numbers (id) ON UPDATE CASCADE ON DELETE CASCADE, note text)',
    );
    for (const id of [1, 2, 3, 4]) await insert(service, 'notes', { number: id, note: `n${id}` });
    await legacy.query("UPDATE numbers SET id = 10, v = 'moved' WHERE id = 1");
    await pair.follow();
    await legacy.transaction(async (query) => {
      await query('UPDATE numbers SET id = 20 WHERE id = 2');
      await query('UPDATE numbers SET id = 21 WHERE id = 20');
      await query('UPDATE numbers SET id = 2 WHERE id = 3');
      await query("INSERT INTO numbers VALUES (3, 'new')");
    });
    await pair.follow();
    const known = 'SELECT id, shelf, note FROM numbers LEFT JOIN notes ON number = id ORDER BY id';
    expect(await service.query(known)).toEqual([
      { id: '2', shelf: 's3', note: 'n3' },
      { id: '3', shelf: null, note: null },
      { id: '4', shelf: 's4', note: 'n4' },
      { id: '10', shelf: 's1', note: 'n1' },
      { id: '21', shelf: 's2', note: 'n2' },
    ]);
  });
});
