import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printCheck } from '../check/print.ts';
import { constant, copy, legacyConstant, money, oneWay, split, utcTime, values } from '../mapping/fields.ts';
import { found, openSides, type Sides, shop } from './checked-sides.ts';
import type { Dialect } from './databases.ts';

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

  test('times in microseconds are kept both ways', async () => {
    const two = await openSides(dialect, dialect);
    const type = dialect === 'sqlite' ? 'text' : 'timestamp';
    await two.legacy.script(`CREATE TABLE old (id integer NOT NULL PRIMARY KEY, made ${type}, seen ${type});
      INSERT INTO old VALUES (1, '2026-11-20 10:00:00.123456', '2026-11-20 10:00:00.123456'), (2, NULL, NULL),
        (3, '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999'), (4, '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
        (5, '2026-11-20 10:00:00.120000', '2026-11-20 10:00:00.120000')`);
    await two.service.script(`CREATE TABLE new (id integer NOT NULL PRIMARY KEY, made bigint, seen bigint);
      INSERT INTO new VALUES (7, 1795168800000001, 5), (8, -1, 5)`);
    const seen = utcTime('seen', 'seen', { finer: 'cut' });
    const kept = shop([utcTime('made', 'made', { precision: 'microseconds' }), oneWay(seen, 'shown only')]);
    expect(found(await two.check(kept))).toEqual([]);
    // Without a word for them they stop it.
    const [first] = found(await two.check(shop([utcTime('made')])));
    expect(first).toMatchObject({ kind: 'unmappable', count: dialect === 'sqlite' ? 3 : 2, key: '1' });
    await two.close();
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
