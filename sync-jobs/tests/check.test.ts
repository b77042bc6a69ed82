import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CheckOptions, checkGroup } from '../check/check.ts';
import { printCheck } from '../check/print.ts';
import type { CheckReport, Finding, FindingKind } from '../check/report.ts';
import {
  constant,
  copy,
  type Field,
  flags,
  integer,
  legacyConstant,
  merge,
  money,
  oneWay,
  pair,
  split,
  utcTime,
  values,
} from '../mapping/fields.ts';
import type { GroupDeclaration, TableDeclaration } from '../mapping/group.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { createChinook, createService, fillChinook } from './chinook/generate.ts';
import { billing } from './chinook/groups.ts';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';
import { pairs, ticketnow } from './store-pair.ts';
import {
  createLegacyTables,
  createServiceTables,
  insertBooking,
  insertEvents,
  insertUsers,
} from './ticketnow.ts';

/** Two databases with stores upon them. */
interface Sides {
  legacy: TestDatabase;
  service: TestDatabase;
  check(group: GroupDeclaration, options?: CheckOptions): Promise<CheckReport>;
  close(): Promise<void>;
}

async function openSides(from: Dialect, to: Dialect): Promise<Sides> {
  const legacy = await freshDatabase(from);
  const service = await freshDatabase(to);
  const stores: Store[] = [legacy, service].map(({ url }) => openStore(parseDatabaseUrl(url, 'TEST')));
  return {
    legacy,
    service,
    check: (group, options) => checkGroup(group, stores[0]!, stores[1]!, options),
    async close() {
      for (const store of stores) await store.close();
      await legacy.drop();
      await service.drop();
    },
  };
}

/** One table of one field beside its key. */
function shop(owned: Field[], more: Partial<TableDeclaration> = {}): GroupDeclaration {
  return {
    name: 'shop',
    tables: [{ from: 'old', to: 'new', key: { from: 'id', to: 'id' }, owned, ...more }],
  };
}

/** What a check found, in short. */
function found(report: CheckReport): Partial<Finding>[] {
  expect(report.faults).toEqual([]);
  return report.tables
    .flatMap(({ findings }) => findings)
    .map(({ kind, direction, field, count, key }) => ({ kind, direction, field, count, key }));
}

describe.each<Dialect>(['sqlite', 'postgres'])('findings in rows of %s', (dialect) => {
  let sides: Sides;
  beforeAll(async () => {
    // What PostgreSQL's columns refuse is measured against a service there.
    sides = await openSides(dialect, 'postgres');
  });
  afterAll(() => sides.close());

  interface Case {
    kind: FindingKind;
    /** Type of the legacy column, of the service's, and the field from `a` to `b`. */
    types: [string, string];
    field: Field;
    /** Literals of rows 1 and on; row 1 is always sound. */
    rows: string[];
    count: number;
    /** Row that is shown first. */
    first?: string;
    sentence: RegExp;
    only?: Dialect;
  }

  const state = values('a', 'b', { open: 'o', closed: 'c' });
  const wrongPair = pair({
    from: ['a'],
    to: ['b'],
    toService: ([value]) => [String(value).toUpperCase()],
    toLegacy: ([value]) => [String(value).toLowerCase()],
  });
  const cases: Case[] = [
    {
      kind: 'unmappable',
      types: ['text', 'bigint'],
      field: integer('a', 'b'),
      rows: ["'12'", "'x'", "'1.5'"],
      count: 2,
      sentence: /^a -> b cannot map "x" in row 2 of old: "x" is not a whole number\. It is one of 2 rows\.$/,
    },
    {
      kind: 'unlisted',
      types: ['text', 'text'],
      field: state,
      rows: ["'open'", "'lost'", "''", "'lost'"],
      count: 3,
      sentence: /^a -> b does not list "lost" \(2\), "" \(1\); the first is in row 2 of old\.$/,
    },
    {
      kind: 'separator',
      types: ['text', 'text'],
      field: merge(['a', 'c'], 'b', ' | '),
      rows: ["'Köln'", "'a | b'"],
      count: 1,
      sentence: /^a\+c -> b cannot join "a \| b" and NULL in row 2 of old: .*holds the separator/,
    },
    {
      kind: 'not-restored',
      types: ['text', 'text'],
      field: wrongPair,
      rows: ["'low'", "'Mixed'"],
      count: 1,
      sentence:
        /^a -> b does not bring back "Mixed" of row 2 of old: it comes back as "mixed"\. It is the only row\.$/,
    },
    {
      kind: 'time-cut',
      types: [dialect === 'sqlite' ? 'text' : 'timestamp', 'bigint'],
      field: utcTime('a', 'b'),
      rows: ["'2026-11-20 10:00:00'", "'2026-11-20 10:00:00.250'"],
      count: 1,
      sentence:
        /^a -> b cuts the time "2026-11-20 10:00:00\.250?" of row 2 of old: "?2026-11-20 10:00:00"?\./,
    },
    {
      kind: 'null',
      types: ['text', 'text NOT NULL'],
      field: copy('a', 'b'),
      rows: ["'x'", 'NULL', 'NULL'],
      count: 2,
      sentence: /^row 2 of old has NULL for a -> b, and b is NOT NULL\. 2 rows do\.$/,
    },
    {
      kind: 'nul-text',
      types: ['text', 'text'],
      field: copy('a', 'b'),
      rows: ["'x'", "'y' || char(0)"],
      count: 1,
      only: 'sqlite',
      sentence:
        /^row 2 of old has a text with U\+0000 for a -> b, "y\\u0000": PostgreSQL's text cannot hold U\+0000/,
    },
    {
      kind: 'too-long',
      types: ['text', 'varchar(3)'],
      field: copy('a', 'b'),
      rows: ["'👩👩👩'", "'abcd'"],
      count: 1,
      sentence:
        /^new does not hold "abcd" of row 2 of old for a -> b: b is character varying\(3\), and the text has 4/,
    },
    {
      kind: 'out-of-range',
      types: ['bigint', 'integer'],
      field: copy('a', 'b'),
      rows: ['2147483647', '2147483648', '-2147483649'],
      count: 2,
      sentence:
        /^new does not hold 2147483648 of row 2 .*: b is integer, which ends at 2147483647\. It is one of 2/,
    },
    {
      kind: 'out-of-range',
      types: ['numeric(12,2)', 'numeric(4,2)'],
      field: copy('a', 'b'),
      rows: ['99.99', '100'],
      count: 1,
      sentence: /b is numeric\(4,2\), with 2 digits before the point/,
    },
    {
      kind: 'rounded',
      types: ['numeric(12,4)', 'numeric(12,2)'],
      field: copy('a', 'b'),
      rows: ['1.25', '1.255'],
      count: 1,
      sentence: /^new does not hold 1\.255 |"1\.2550" of row 2 of old.*with 2 digits after the point/,
    },
    {
      kind: 'unmappable',
      types: ['numeric(12,4)', 'bigint'],
      field: money('a', 'b'),
      rows: ['1.25', '1.255'],
      count: 1,
      sentence: /is not an amount with 2 decimals/,
    },
    {
      kind: 'wrong-type',
      types: ['integer', 'bigint'],
      field: copy('a', 'b'),
      rows: ['1', "'many'"],
      count: 1,
      only: 'sqlite',
      sentence: /^new does not hold "many" of row 2 of old for a -> b: b is bigint\./,
    },
    {
      kind: 'constraint',
      types: ['integer', "integer CHECK (b >= 0) DEFAULT (length(')')) CHECK (b <> 99 OR (b + 1) IN (1, 2))"],
      field: copy('a', 'b'),
      rows: ['5', '-1', '99', 'NULL', '-7'],
      count: 3,
      sentence: /^new refuses -1 of row 2 of old for a -> b: CHECK \(\(?b >= 0\)?\)\. It is one of 3 rows\.$/,
    },
    {
      kind: 'wrong-type',
      types: ['text', 'uuid'],
      field: copy('a', 'b'),
      rows: ["'6f1c1f0e-4a52-4f0a-9d57-0f1f0a3c9b11'", "'not one'", 'NULL'],
      count: 1,
      sentence: /^new does not hold "not one" of row 2 of old for a -> b: b is uuid\./,
    },
    {
      kind: 'duplicate',
      types: ['text', 'text UNIQUE'],
      field: pair({
        from: ['a'],
        to: ['b'],
        toService: ([value]) => [value === null ? null : String(value).toLowerCase()],
        toLegacy: ([value]) => [value!],
      }),
      rows: ["'x'", "'y'", 'NULL', 'NULL', "'X'"],
      count: 1,
      first: '5',
      sentence: /^row 5 of old has the same b as row 1, "x", and new allows it once\. It is the only one\.$/,
    },
  ];

  test.each(cases.filter(({ only }) => only === undefined || only === dialect))(
    '$kind: $types',
    async ({ kind, types, field, rows, count, first = '2', sentence }) => {
      const { legacy, service } = sides;
      await legacy.script(
        `DROP TABLE IF EXISTS old; CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, a ${types[0]}, c text)`,
      );
      await service.script(
        `DROP TABLE IF EXISTS new; CREATE TABLE new (id bigint PRIMARY KEY, b ${types[1]})`,
      );
      await legacy.script(
        rows.map((row, index) => `INSERT INTO old (id, a) VALUES (${index + 1}, ${row});`).join('\n'),
      );
      const report = await sides.check(shop([field]), { chunkRows: 1 });
      const finding = report.tables[0]!.findings.find((one) => one.kind === kind);
      expect(finding, printCheck(report)).toMatchObject({ kind, direction: 'forward', count, key: first });
      expect(finding!.sentence).toMatch(sentence);
      expect(report.sound).toBe(false);
      expect(printCheck(report)).toContain(`REFUTED: ${finding!.sentence}`);
      // Without the rows that show it, nothing is left.
      await legacy.query('DELETE FROM old WHERE id > 1');
      expect(found(await sides.check(shop([field])))).toEqual([]);
    },
  );

  test('flags that make no declared state, and a function that fails', async () => {
    const { legacy, service } = sides;
    await legacy.script(
      'DROP TABLE IF EXISTS old; CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, paid integer, gone integer, n text)',
    );
    await service.script(
      'DROP TABLE IF EXISTS new; CREATE TABLE new (id bigint PRIMARY KEY, state text, n text)',
    );
    await legacy.script("INSERT INTO old VALUES (1, 0, 0, 'x'), (2, 1, 0, 'y'), (3, 1, 1, NULL)");
    const throws = pair({
      from: ['n'],
      to: ['n'],
      toService: ([value]) => [(value as string).trim()],
      toLegacy: (row) => row,
    });
    const short = { ...throws, toService: () => [] } as Field;
    const state = flags('state', { open: { paid: 0, gone: 0 }, paid: { paid: 1, gone: 0 } });
    expect(found(await sides.check(shop([state, throws])))).toEqual([
      { kind: 'unlisted', direction: 'forward', field: 'paid+gone -> state', count: 1, key: '3' },
      { kind: 'unmappable', direction: 'forward', field: 'n', count: 1, key: '3' },
    ]);
    const report = await sides.check(shop([state, short]));
    expect(report.tables[0]!.findings.find(({ field }) => field === 'n')).toMatchObject({
      count: 3,
      result: 'it gives 0 values for 1 columns',
    });
  });

  test('CHECK constraints over several columns, in every place of a statement of SQLite', async () => {
    const target = await openSides(dialect, dialect);
    await target.legacy.script('CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, a integer, c integer)');
    await target.legacy.script('INSERT INTO old VALUES (1, 1, 2), (2, 3, 3), (3, 9, 1), (4, NULL, 1)');
    await target.service.script(`CREATE TABLE new (id bigint NOT NULL PRIMARY KEY, -- CHECK (id < 0)
      a integer CONSTRAINT small CHECK (a < 9 /* ) */), "c" integer, who text NOT NULL check(who <> 'check (1)'),
      own integer DEFAULT 1 CHECK (own > 0), CHECK ((a <= c) OR (a IS NULL)))`);
    const report = await target.check(shop([copy('a'), copy('c')], { writtenBy: 'who' }));
    expect(found(report)).toEqual(
      expect.arrayContaining([
        { kind: 'constraint', direction: 'forward', field: 'a', count: 1, key: '3' },
        { kind: 'constraint', direction: 'forward', field: 'a, c', count: 1, key: '3' },
      ]),
    );
    expect(found(report)).toHaveLength(2);
    expect(report.tables[0]!.unasked).toEqual([]);
    await target.legacy.query('DELETE FROM old');
    // A column with a condition is never proven by its type.
    const empty = await target.check(shop([copy('a'), copy('c')], { writtenBy: 'who' }));
    expect(empty.tables[0]!.fields.map(({ field, forward }) => `${field} ${forward.verdict}`)).toEqual([
      'id proven',
      'a measured',
      'c measured',
    ]);
    expect(printCheck(empty)).toContain('not measured: no rows');
    await target.close();
  });

  test('rows that refer to tables outside of the group are looked up where they would go', async () => {
    const target = await openSides(dialect, dialect);
    await target.legacy.script('CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, other bigint)');
    await target.legacy.script('INSERT INTO old VALUES (1, 7), (2, 8), (3, NULL)');
    await target.service.script(`CREATE TABLE parent (other bigint NOT NULL PRIMARY KEY); INSERT INTO parent VALUES (7);
      CREATE TABLE new (id bigint NOT NULL PRIMARY KEY, other bigint REFERENCES parent (other))`);
    const report = await target.check(shop([copy('other')]));
    expect(found(report)).toEqual([
      { kind: 'orphan', direction: 'forward', field: 'other', count: 1, key: '2' },
    ]);
    expect(report.tables[0]!.findings[0]!.sentence).toBe(
      'row 2 of old refers by other to 8, and parent has no such row. It is the only one.',
    );
    await target.close();
  });

  test('rows that refer to nothing, also to one that is softly deleted', async () => {
    const { legacy, service } = sides;
    const reference = dialect === 'sqlite' ? '' : ' REFERENCES old (id)';
    await legacy.script(`DROP TABLE IF EXISTS old; CREATE TABLE old (id bigint NOT NULL PRIMARY KEY, gone_at text);
      CREATE TABLE part (id bigint NOT NULL PRIMARY KEY, old_id bigint${reference})`);
    await service.script(`DROP TABLE IF EXISTS new; CREATE TABLE new (id bigint PRIMARY KEY);
      CREATE TABLE piece (id bigint PRIMARY KEY, new_id bigint REFERENCES new)`);
    await legacy.script(
      "INSERT INTO old VALUES (1, NULL), (2, 'yes'); INSERT INTO part VALUES (5, 1), (6, 2), (7, NULL)",
    );
    const group = shop([], { absentWhenSet: 'gone_at' });
    group.tables.push({
      from: 'part',
      to: 'piece',
      key: { from: 'id', to: 'id' },
      owned: [copy('old_id', 'new_id')],
    });
    const report = await sides.check(group);
    expect(found(report)).toEqual([
      { kind: 'orphan', direction: 'forward', field: 'new_id', count: 1, key: '6' },
    ]);
    expect(report.tables[1]!.findings[0]!.sentence).toBe(
      'row 6 of part refers by new_id to 2, and new would have no such row. It is the only one.',
    );
    expect(report.tables[0]).toMatchObject({ legacyRows: 2, absentRows: 1 });
    await legacy.script('DROP TABLE part; DROP TABLE old');
    await service.script('DROP TABLE piece; DROP TABLE new');
  });
});

describe.each<Dialect>(['sqlite', 'postgres'])('the way back to %s', (dialect) => {
  let sides: Sides;
  beforeAll(async () => {
    sides = await openSides(dialect, dialect);
    await sides.legacy.script(
      `CREATE TABLE old (id integer NOT NULL PRIMARY KEY, state text NOT NULL, made ${
        dialect === 'sqlite' ? 'text' : 'timestamp(0)'
      }, full_name text, amount numeric(6,2), note text, origin text)`,
    );
    await sides.service.script(`CREATE TABLE new (id bigint NOT NULL PRIMARY KEY, state text, made_at bigint, first text,
      last text, cents bigint, note text, source text, kept text)`);
    await sides.legacy.query(
      "INSERT INTO old VALUES (1, 'open', '2026-11-20 10:00:00', 'Zoë Nowak', 12.5, 'x', NULL)",
    );
  });
  afterAll(() => sides.close());

  const group = shop([
    values('state', 'state', { open: 'o' }, { back: { half: 'open' } }),
    utcTime('made', 'made_at'),
    split('full_name', ['first', 'last'], ' '),
    money('amount', 'cents'),
    oneWay(copy('note'), 'the service rewrites notes for itself'),
    constant('source', 'legacy'),
    legacyConstant('origin', 'service'),
  ]);

  test('rows that the service wrote are measured, and what is lost by declaration is said', async () => {
    const { service } = sides;
    await service.script(`INSERT INTO new (id, state, made_at, first, last, cents) VALUES
      (1, 'o', 1795168800000, 'Zoë', 'Nowak', 1250), (2, 'half', 1795168800999, 'a b', 'c', 5), (3, 'new', NULL, NULL, 'c', 5),
      (4, NULL, 5000, 'a', NULL, 100000000)`);
    const report = await sides.check(group);
    const limited =
      dialect === 'postgres'
        ? [{ kind: 'out-of-range', direction: 'back', field: 'amount -> cents', count: 1, key: '4' }]
        : [];
    expect(found(report)).toEqual([
      { kind: 'declared-loss', direction: 'back', field: 'state', count: 1, key: '2' },
      { kind: 'time-cut', direction: 'back', field: 'made -> made_at', count: 1, key: '2' },
      { kind: 'separator', direction: 'back', field: 'full_name -> first+last', count: 2, key: '2' },
      { kind: 'unlisted', direction: 'back', field: 'state', count: 1, key: '3' },
      { kind: 'null', direction: 'back', field: 'state', count: 1, key: '4' },
      ...limited,
    ]);
    const verdicts = Object.fromEntries(
      report.tables[0]!.fields.map(({ field, forward, back }) => [
        field,
        `${forward.verdict} ${back.verdict}`,
      ]),
    );
    expect(verdicts).toEqual({
      id: dialect === 'sqlite' ? 'proven proven' : 'proven measured',
      state: 'measured refuted',
      'made -> made_at': 'measured refuted',
      'full_name -> first+last': 'measured refuted',
      'amount -> cents': dialect === 'sqlite' ? 'measured measured' : 'measured refuted',
      note: 'proven not-written',
      source: 'proven not-written',
      origin: 'not-written proven',
    });
    expect(report.tables[0]!.unmapped).toEqual({ legacy: [], service: ['kept'] });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    const text = printCheck(report);
    expect(text).toContain('not written back: the service rewrites notes for itself');
    expect(text).toContain('these columns of new, which a rollback leaves behind: kept.');
    expect(text).toContain('Note: state does not bring back "half" (1), as its declaration says');
    expect(text).toMatch(/shop: this mapping is refused by \d findings in the rows\.\n$/);
  });

  test('a declared loss alone refuses nothing', async () => {
    await sides.service.query('DELETE FROM new WHERE id > 2');
    await sides.service.query("UPDATE new SET made_at = 0, first = 'a' WHERE id = 2");
    const report = await sides.check(group);
    expect(found(report).map(({ kind }) => kind)).toEqual(['declared-loss']);
    expect(report.sound).toBe(true);
    expect(printCheck(report)).toMatch(/shop: nothing refuses this mapping\.\n$/);
  });
});

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
