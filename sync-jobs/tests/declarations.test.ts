import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildSyncJobs } from '../app.ts';
import { passGroup } from '../backfill/group-pass.ts';
import { constant, copy, integer, utcTime, values } from '../mapping/fields.ts';
import type { GroupDeclaration, TableDeclaration } from '../mapping/group.ts';
import { reportProgress } from '../progress/reporter.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';
import { groups } from './store-pair.ts';

const log = pino({ level: 'silent' });

function refusalOf(declarations: GroupDeclaration[]): string[] {
  try {
    buildSyncJobs({
      groups: declarations,
      openStores: () => {
        throw new Error('a refused declaration opens nothing');
      },
      schedule: '* * * * *',
      chunkRows: 10,
      token: undefined,
      log,
      progress: reportProgress(log),
    });
  } catch (error) {
    expect(error).toMatchObject({ code: 'declaration_refused', exitCode: 2 });
    return (error as Error).message
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  throw new Error('nothing was refused');
}

const table: TableDeclaration = {
  from: 'orders',
  to: 'sales',
  key: { from: 'id', to: 'sale_id' },
  writtenBy: 'written_by',
  owned: [copy('note')],
};

describe('declarations that are wrong in themselves', () => {
  test('all reasons come at once, each naming group, table and field', () => {
    const wrong: GroupDeclaration = {
      name: 'Shop',
      tables: [
        {
          ...table,
          owned: [
            copy('note'),
            copy('other', 'note'),
            copy('id', 'sale_id'),
            copy('who', 'written_by'),
            values('status', 'state', { a: 'x', b: 'x' }),
            values('kind', 'kind', {}),
            constant('ratio', 0.5),
          ],
        },
        { ...table, from: 'more' },
      ],
    };
    expect(refusalOf([wrong, { name: 'empty', tables: [] }, { name: 'empty', tables: [] }])).toEqual([
      'Shop: a group name is lower-case letters, digits and dashes',
      'Shop: more -> sales: sales is filled from orders already',
      'empty: it declares no table',
      'empty: there are two groups of this name',
      'empty: it declares no table',
      'Shop: orders -> sales: note: two fields fill it; it is filled from note already',
      'Shop: orders -> sales: sale_id: two fields fill it; it is the key already',
      'Shop: orders -> sales: written_by: two fields fill it; it is the column that says who wrote the row already',
      'Shop: orders -> sales: state: its value table is not one-to-one: a and b both become "x"',
      'Shop: orders -> sales: kind: its value table is empty',
      'Shop: orders -> sales: ratio: 0.5 is not a whole number below 2^53',
    ]);
  });

  test("TicketNow's own declarations are sound", () => {
    expect(refusalOf([...Object.values(groups), { name: 'last', tables: [] }])).toEqual([
      'last: it declares no table',
    ]);
  });
});

describe.each<Dialect>(['sqlite', 'postgres'])('declarations that do not fit the tables on %s', (dialect) => {
  let legacy: TestDatabase;
  let service: TestDatabase;
  let source: Store;
  let target: Store;
  beforeAll(async () => {
    legacy = await freshDatabase(dialect);
    service = await freshDatabase(dialect);
    source = openStore(parseDatabaseUrl(legacy.url, 'LEGACY'), 'legacy');
    target = openStore(parseDatabaseUrl(service.url, 'SERVICE'), 'service');
  });
  afterAll(async () => {
    await source.close();
    await target.close();
    await legacy.drop();
    await service.drop();
  });

  const pass = (declared: TableDeclaration) =>
    passGroup({
      group: { name: 'shop', tables: [declared] },
      source,
      target,
      chunkRows: 10,
      signal: new AbortController().signal,
      countRows: false,
      onTotal: () => {},
      onProgress: () => {},
    });

  test('tables that are not there yet are waited for, all of them named', async () => {
    await expect(pass(table)).rejects.toMatchObject({
      code: 'tables_missing',
      message: expect.stringMatching(/^shop waits for orders in .+ and sales in .+\.$/),
    });
  });

  test('all reasons come at once', async () => {
    await legacy.script(`CREATE TABLE orders (
      id integer PRIMARY KEY, number integer, part_id integer NOT NULL, note text, amount double precision)`);
    await legacy.script('CREATE UNIQUE INDEX pairs ON orders (number, part_id)');
    await legacy.script('CREATE UNIQUE INDEX partial ON orders (part_id) WHERE number > 0');
    await service.script(`CREATE TABLE sales (
      sale_id bigint PRIMARY KEY, label text UNIQUE NOT NULL, note bigint, made text, made_at text,
      count text, demanded bigint NOT NULL, filled bigint NOT NULL DEFAULT 1, written_by text NOT NULL)`);
    const error = await pass({
      ...table,
      key: { from: 'part_id', to: 'sale_id' },
      absentWhenSet: 'gone_at',
      writtenBy: 'writer',
      owned: [
        copy('note'),
        copy('missing', 'made'),
        copy('note', 'absent'),
        utcTime('note', 'made_at'),
        integer('amount', 'count'),
      ],
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'declaration_refused' });
    const reasons = (error as Error).message.trim().split('\n').slice(1);
    const columns = 'it has sale_id, label, note, made, made_at, count, demanded, filled, written_by';
    expect(reasons.map((line) => line.trim().replace('shop: orders -> sales: ', ''))).toEqual([
      'part_id: the key in orders has no unique index of its own',
      `writer: sales has no column writer; ${columns}`,
      'gone_at: orders has no column gone_at; it has id, number, part_id, note, amount',
      'note: copy of note, which is text, into a column that is integer',
      'made: orders has no column missing; it has id, number, part_id, note, amount',
      `absent: sales has no column absent; ${columns}`,
      'made_at: utc-time makes an integer, and the column is text',
      'count: integer makes an integer, and the column is text',
      'label: sales demands a value (NOT NULL, no default) and no field fills it',
      'demanded: sales demands a value (NOT NULL, no default) and no field fills it',
      'written_by: sales demands a value (NOT NULL, no default) and no field fills it',
    ]);
  });

  test('a key has to be an integer that is unique and never NULL', async () => {
    const keyed = (from: string, to: string) => pass({ ...table, key: { from, to }, owned: [] });
    await expect(keyed('number', 'label')).rejects.toThrow(
      /number: the key in orders has no unique index of its own\n.*number: the key in orders may be NULL\n.*label: the key in sales is not an integer column/,
    );
  });

  test('keys that only another unique index enforces will do', async () => {
    await legacy.script('CREATE TABLE parts (code bigint NOT NULL UNIQUE, note text)');
    await service.script(
      'CREATE TABLE things (id bigint NOT NULL UNIQUE, note text, written_by text NOT NULL)',
    );
    await legacy.script("INSERT INTO parts VALUES (9007199254740993, 'x'), (-9007199254740993, '')");
    const declared = { ...table, from: 'parts', to: 'things', key: { from: 'code', to: 'id' } };
    expect(await pass(declared)).toEqual({ read: 2, written: 2, removed: 0, kept: 0 });
    expect(await service.query('SELECT id, note FROM things ORDER BY id')).toEqual([
      { id: '-9007199254740993', note: '' },
      { id: '9007199254740993', note: 'x' },
    ]);
    expect(await pass(declared)).toEqual({ read: 2, written: 0, removed: 0, kept: 0 });
  });
});
