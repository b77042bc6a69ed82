import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { pair as functions, integer } from '../../mapping/fields.ts';
import { loadPoison, PoisonRow, recordPoison, skipPoison } from '../../poison/poison.ts';
import { rowName, skipCommand } from '../../poison/skip-command.ts';
import { openPair, pairs, type StorePair, settled } from '../store-pair.ts';
import { contents, createTable, insert, mirror, openMirror, type TrapTable } from './tables.ts';

const things: TrapTable = { name: 'things', columns: { id: 'integer', v: 'text' } };
const parts: TrapTable = { name: 'parts', columns: { name: 'text NOT NULL', n: 'integer' } };
const strict: TrapTable = { ...parts, columns: { name: 'text NOT NULL', n: 'integer CHECK (n < 100)' } };

let pair: StorePair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

async function poison(work: Promise<unknown>): Promise<PoisonRow> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof PoisonRow)) throw new Error(`no poison row but ${String(error)}`);
  return error;
}

test("the command that leaves a row out may be pasted into a shell, whatever the row's key is", () => {
  const row = rowName({ table: 'parts', key: `"it's $(rm -rf /) \\"` });
  const command = skipCommand('trap', row).replace(/^fig sync skip trap --row/, 'printf %s');
  expect(execFileSync('sh', ['-c', command], { encoding: 'utf8' })).toBe(row);
});

describe.each(pairs)('%s to %s', (from, to) => {
  const open = async () => {
    const opened = await openMirror([from, to], [things, parts], { targets: [things, strict] });
    pair = opened;
    await insert(opened.legacy, 'things', { id: 1, v: 'a' });
    await insert(opened.legacy, 'parts', { name: 'A', n: 1 }, { name: 'b', n: 2 }, { name: 'c', n: 3 });
    await opened.follow();
    return opened;
  };
  const everything = async () => [
    await contents(pair!.service, things),
    await contents(pair!.service, parts),
  ];

  test.each([undefined, 2])(
    'a row that the target refuses is named, and nothing of its window is applied, pages of %s',
    async (pageRows) => {
      const opened = await open();
      const before = await everything();
      await opened.legacy.transaction(async (query) => {
        await query("INSERT INTO things VALUES (2, 'b'), (3, 'c'), (4, 'd')");
        await query("UPDATE parts SET n = 99 WHERE name = 'A'");
        await query("UPDATE parts SET n = 500 WHERE name = 'b'");
        await query("DELETE FROM parts WHERE name = 'c'");
      });
      const feed = opened.feed('forward', pageRows === undefined ? {} : { pageRows });
      const error = await poison(opened.drain(feed));
      expect(error).toMatchObject({ code: 'row_rejected', table: 'parts', key: ['b'] });
      expect(error.hint).toContain(`\`fig sync skip trap --row 'parts "b"'\``);
      expect(error.message).toMatch(/trap:forward.*"b" of parts.*(CHECK|check)/s);
      expect(await everything()).toEqual(before);
      await expect(opened.drain(feed)).rejects.toThrow(PoisonRow);
      expect(await everything()).toEqual(before);
      // Mended at the target.
      await opened.service.script(
        to === 'postgres'
          ? 'ALTER TABLE parts DROP CONSTRAINT parts_n_check'
          : 'CREATE TABLE mended (name TEXT NOT NULL PRIMARY KEY, n INTEGER); INSERT INTO mended SELECT * FROM parts; ' +
              'DROP TABLE parts; ALTER TABLE mended RENAME TO parts',
      );
      await opened.drain(opened.feed());
      await opened.expectEqual();
    },
  );

  test('mended at the source, the row follows', async () => {
    const opened = await open();
    await opened.legacy.query("INSERT INTO parts VALUES ('Z', 100)");
    const feed = opened.feed();
    expect(await poison(opened.drain(feed))).toMatchObject({ table: 'parts', key: ['Z'] });
    await opened.legacy.query("UPDATE parts SET n = 5 WHERE name = 'Z'");
    await settled(opened.legacy);
    await opened.drain(feed);
    await opened.expectEqual();
  });

  test.each(['after the copy', 'within the copy'])(
    'a person may leave the change out, %s, and the next one is applied',
    async (when) => {
      const opened = await open();
      if (when === 'within the copy')
        await opened.service.query("DELETE FROM strangler_feed WHERE feed = 'trap:forward'");
      await opened.legacy.query("UPDATE parts SET n = 500 WHERE name = 'b'");
      await opened.legacy.query("UPDATE parts SET n = 50 WHERE name = 'c'");
      await settled(opened.legacy);
      const feed = opened.feed();
      const error = await poison(opened.drain(feed));
      const { service: store } = opened.stores();
      await store.transaction((writer) => recordPoison(writer, 'trap:forward', error));
      expect(await store.snapshot((session) => loadPoison(session, 'trap:forward'))).toMatchObject({
        table: 'parts',
        key: ['b'],
        until: error.until,
        code: 'row_rejected',
      });
      await store.transaction(async (writer) => {
        await skipPoison(writer, (await loadPoison(writer, 'trap:forward'))!, 'a.tester');
      });
      feed.forget();
      await opened.drain(feed);
      expect(await opened.service.query('SELECT name, n FROM parts ORDER BY n')).toEqual([
        { name: 'A', n: '1' },
        { name: 'b', n: '2' },
        { name: 'c', n: '50' },
      ]);
      expect(await opened.service.query('SELECT who, action, subject FROM strangler_audit')).toEqual([
        { who: 'a.tester', action: 'skip', subject: 'trap:forward' },
      ]);
      await opened.legacy.query("UPDATE parts SET n = 60 WHERE name = 'b'");
      await opened.drain(opened.feed());
      await opened.expectEqual();
    },
  );

  test('a mapping that throws stops at its row, and goes on when the row is mended', async () => {
    const group = mirror([things, { ...parts, columns: { name: 'text', n: 'text' } }]);
    group.tables[1]!.owned = [integer('n')];
    const texts: TrapTable = { name: 'parts', columns: { name: 'text NOT NULL', n: 'text' } };
    pair = await openPair(group, [from, to], {
      async legacy(database) {
        await createTable(database, things);
        await createTable(database, texts);
      },
      async service(database) {
        await createTable(database, things);
        await createTable(database, parts);
      },
    });
    await insert(pair.legacy, 'things', { id: 1, v: 'a' });
    await insert(pair.legacy, 'parts', { name: 'a', n: '1' }, { name: 'b', n: 'two' });
    await settled(pair.legacy);
    const copied = await poison(pair.drain(pair.feed()));
    expect(copied).toMatchObject({ code: 'row_unmappable', table: 'parts', key: ['b'], until: -1n });
    expect(copied.message).toMatch(/parts.*"two" is not a whole number/s);
    await pair.legacy.query("UPDATE parts SET n = '2' WHERE name = 'b'");
    await settled(pair.legacy);
    const feed = pair.feed();
    await pair.drain(feed);
    await pair.legacy.transaction(async (query) => {
      await query("INSERT INTO things VALUES (2, 'x')");
      await query("UPDATE parts SET n = '1.5' WHERE name = 'a'");
    });
    expect(await poison(pair.drain(feed))).toMatchObject({
      code: 'row_unmappable',
      table: 'parts',
      key: ['a'],
    });
    expect(await contents(pair.service, things)).toHaveLength(1);
    await pair.legacy.query("DELETE FROM parts WHERE name = 'a'");
    await settled(pair.legacy);
    await pair.drain(feed);
    expect(await contents(pair.service, things)).toHaveLength(2);
    expect(await pair.service.query('SELECT name, n FROM parts')).toEqual([{ name: 'b', n: '2' }]);
  });

  test('an error of a function that is no RangeError is not taken for a poison row', async () => {
    const group = mirror([things]);
    group.tables[0]!.owned = [
      functions({
        from: ['v'],
        to: ['v'],
        toService: ([value]) => {
          if (value === 'bug') throw new TypeError('a bug');
          return [value!];
        },
        toLegacy: (values) => values,
      }),
    ];
    pair = await openPair(group, [from, to], {
      legacy: (database) => createTable(database, things),
      service: (database) => createTable(database, things),
    });
    await insert(pair.legacy, 'things', { id: 1, v: 'bug' });
    await expect(pair.drain(pair.feed())).rejects.toThrow(TypeError);
  });
});
