import { describe, expect, test } from 'vitest';
import { printCheck } from '../check/print.ts';
import { copy } from '../mapping/fields.ts';
import { found, openSides, shop } from './checked-sides.ts';
import { createChinook, createService, fillChinook } from './chinook/generate.ts';
import { billing } from './chinook/groups.ts';
import type { Dialect } from './databases.ts';
import { pairs, ticketnow } from './store-pair.ts';
import {
  createLegacyTables,
  createServiceTables,
  insertBooking,
  insertEvents,
  insertUsers,
} from './ticketnow.ts';

describe.each<Dialect>(['sqlite', 'postgres'])('what refuses a mapping before its rows, on %s', (dialect) => {
  test('all reasons come at once, and tables without one are measured', async () => {
    const sides = await openSides(dialect, dialect);
    await sides.legacy.script(
      'CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, a text); CREATE TABLE fine (id bigint NOT NULL PRIMARY KEY)',
    );
    await sides.service.script(
      'CREATE TABLE new (id bigint NOT NULL PRIMARY KEY, b bigint NOT NULL); CREATE TABLE good (id bigint NOT NULL PRIMARY KEY)',
    );
    await sides.legacy.query('INSERT INTO fine VALUES (1), (2)');
    const group = shop([copy('a', 'b')]);
    group.tables.push({ from: 'fine', to: 'good', key: { from: 'id', to: 'id' }, owned: [] });
    group.tables.push({ from: 'absent', to: 'missing', key: { from: 'id', to: 'id' }, owned: [] });
    const report = await sides.check(group);
    expect(report.faults.map(({ table, reason }) => [table, reason])).toEqual([
      ['old -> new', 'copy of a, which is text, into a column that is integer'],
      ['absent -> missing', expect.stringMatching(/has no table absent$/)],
      ['absent -> missing', expect.stringMatching(/has no table missing$/)],
    ]);
    expect(report.tables.map(({ from, legacyRows }) => [from, legacyRows])).toEqual([['fine', 2]]);
    expect(report.sound).toBe(false);
    expect(printCheck(report)).toContain(
      'Refused before any row was read:\n  shop: old -> new: a -> b: copy of a',
    );
    await sides.close();
  });
});

describe.each(pairs)('sound mappings from %s to %s', (from, to) => {
  test("Chinook's billing: every row keeps the laws", async () => {
    const sides = await openSides(from, to);
    await createChinook(sides.legacy);
    await fillChinook(sides.legacy, 7);
    await createService('billing', sides.service);
    const seen: string[] = [];
    const report = await sides.check(billing(from), {
      chunkRows: 100,
      onProgress: ({ table }) => seen.push(table),
    });
    expect(found(report)).toEqual([]);
    expect(report.sound).toBe(true);
    expect(report.tables[0]!.legacyRows).toBe(420);
    expect(seen.length).toBeGreaterThan(10);
    const limited = await sides.check(billing(from), { rows: 50 });
    expect(limited.tables.map(({ legacyRows }) => legacyRows)).toEqual([50, 50]);
    expect(printCheck(limited)).toContain('Only the first 50 rows of each table were read.');
    await sides.close();
  });

  test.each(Object.values(ticketnow))("TicketNow's $name", async (group) => {
    const sides = await openSides(from, to);
    await createLegacyTables(sides.legacy);
    await createServiceTables(group.name, sides.service);
    await insertUsers(sides.legacy, [1, 2, 3]);
    await insertEvents(sides.legacy, [1, 2]);
    await insertBooking(sides.legacy, 4);
    const report = await sides.check(group);
    expect(report.faults).toEqual([]);
    expect(found(report)).toEqual([]);
    await sides.close();
  });
});
