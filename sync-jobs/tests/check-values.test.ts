import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printCheck } from '../check/print.ts';
import type { FindingKind } from '../check/report.ts';
import { copy, type Field, integer, merge, money, pair, utcTime, values } from '../mapping/fields.ts';
import { found, openSides, type Sides, shop } from './checked-sides.ts';
import type { Dialect } from './databases.ts';

describe.each<Dialect>(['sqlite', 'postgres'])('values in rows of %s', (dialect) => {
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
      kind: 'wrong-type',
      types: ['numeric(12,2)', 'numeric(12,2)'],
      field: copy('a', 'b'),
      rows: ['1.5', "''"],
      count: 1,
      only: 'sqlite',
      sentence: /^new does not hold "" of row 2 of old for a -> b: b is /,
    },
    {
      kind: 'wrong-type',
      types: ['double precision', 'double precision'],
      field: copy('a', 'b'),
      rows: ['1.5', "''"],
      count: 1,
      only: 'sqlite',
      sentence: /^new does not hold "" of row 2 of old for a -> b: b is /,
    },
    {
      kind: 'constraint',
      types: ['integer', "integer CHECK (b >= 0) DEFAULT (length(')')) CHECK (b <> 99 OR (b + 1) IN (1, 2))"],
      field: copy('a', 'b'),
      rows: ['5', '-1', '99', 'NULL', '-7'],
      count: 2,
      sentence: /^new refuses -1 of row 2 of old for a -> b: CHECK \(\(?b >= 0\)?\)\. It is one of 2 rows\.$/,
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
});
