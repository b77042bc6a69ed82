import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkGroup } from '../check/check.ts';
import { type Draft, type DraftRequest, draftGroup } from '../init/draft.ts';
import { fieldName } from '../mapping/fields.ts';
import type { GroupDeclaration } from '../mapping/group.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { createChinook, createService, fillChinook } from './chinook/generate.ts';
import { spelled } from './chinook/groups.ts';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';
import { type GroupName, pairs } from './store-pair.ts';
import {
  createLegacyTables,
  createServiceTables,
  insertBooking,
  insertEvents,
  insertUsers,
} from './ticketnow.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'init-'));
  await writeFile(path.join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Make = (database: TestDatabase) => Promise<void>;

/** A draft, its file as Node reads it, and what `fig sync check` says of that. */
async function drafted(
  [from, to]: [Dialect, Dialect],
  make: { legacy: Make; service: Make },
  request: Pick<DraftRequest, 'name' | 'tables'>,
) {
  const legacy = await freshDatabase(from);
  const service = await freshDatabase(to);
  await make.legacy(legacy);
  await make.service(service);
  const stores: Store[] = [legacy, service].map(({ url }) => openStore(parseDatabaseUrl(url, 'TEST')));
  try {
    const mapping = path.join(root, 'sync-jobs/mapping');
    const draft = await draftGroup({
      ...request,
      legacyStore: stores[0]!,
      serviceStore: stores[1]!,
      mapping,
    });
    const written = await imported(draft);
    const report = await checkGroup(written, stores[0]!, stores[1]!);
    return { draft, written, report };
  } finally {
    for (const store of stores) await store.close();
    await legacy.drop();
    await service.drop();
  }
}

/** The file's default export, read by a Node of its own: as sync-jobs will. */
async function imported({ text }: Draft): Promise<GroupDeclaration> {
  const file = path.join(folder, `draft${++files}.ts`);
  await writeFile(file, text);
  const script = `console.log(JSON.stringify((await import(${JSON.stringify(pathToFileURL(file).href)})).default))`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  return JSON.parse(stdout) as GroupDeclaration;
}

/** A table's fields as names with their kinds. */
function fields(group: GroupDeclaration, index = 0): string[] {
  return group.tables[index]!.owned.map((field) => `${field.kind} ${fieldName(field)}`);
}

describe.each(pairs)('drafts from %s to %s', (from, to) => {
  describe('of TicketNow', () => {
    const draftOf = (name: GroupName, table: string) =>
      drafted(
        [from, to],
        {
          async legacy(database) {
            await createLegacyTables(database);
            await insertUsers(database, [1, 2, 3]);
            await insertEvents(database, [1, 2]);
            await insertBooking(database, 4);
            await insertBooking(database, 5, { status: 'paid', paid_at: '2026-11-20 11:00:00' });
          },
          service: (database) => createServiceTables(name, database),
        },
        { name, tables: [table] },
      );

    test('bookings, by their name', async () => {
      const { draft, written, report } = await draftOf('booking', 'bookings');
      expect(written).toEqual(draft.declaration);
      expect(draft.faults).toEqual([]);
      const { owned, ...head } = written.tables[0]!;
      expect(head).toEqual({
        from: 'bookings',
        to: 'bookings',
        key: { from: 'id', to: 'id' },
        writtenBy: 'written_by',
        advanceSequence: true,
      });
      expect(fields(written)).toEqual([
        'copy user_id',
        'copy event_id',
        'copy num_tickets -> quantity',
        'copy unit_price_cents',
        'copy total_cents',
        'values status -> state',
        'utc-time created_at',
        'utc-time expires_at',
        'utc-time paid_at',
        'utc-time cancelled_at',
      ]);
      expect(owned[5]).toMatchObject({ values: { paid: 'paid', pending: 'pending' } });
      expect(draft.text).toContain(
        '// Unsure: num_tickets and quantity are alike in name only.\n        copy(',
      );
      expect(draft.text).toContain("values('status', 'state', { paid: 'paid', pending: 'pending' }),\n");
      expect(draft.text).toMatch(
        /\/\/ bookings\.reservation_id \(text\) stays NULL in rows from the legacy side\.\n/i,
      );
      expect(draft.text).toContain('// Nothing goes to stock_returns: it is the service');
      expect(report).toMatchObject({ sound: true, faults: [] });
    });

    test('users and profiles, by their columns', async () => {
      const { draft, written, report } = await draftOf('profile', 'users');
      expect(written).toEqual(draft.declaration);
      const { owned, ...head } = written.tables[0]!;
      expect(head).toEqual({
        from: 'users',
        to: 'profiles',
        key: { from: 'id', to: 'user_id' },
        writtenBy: 'written_by',
        rowsFrom: 'legacy',
        absentWhenSet: 'deleted_at',
      });
      expect(owned.map(fieldName)).toEqual(['full_name', 'phone', 'city', 'bio', 'newsletter', 'updated_at']);
      expect(draft.text).toContain('// users.password_hash');
      expect(draft.notes.join()).toContain('because no field fills its email, password_hash, created_at.');
      expect(draft.faults).toEqual([]);
      expect(report).toMatchObject({ sound: true, faults: [] });
    });

    test('events and items, where some columns stay for a person to say', async () => {
      const { draft, written } = await draftOf('inventory', 'Events');
      expect(written).toEqual(draft.declaration);
      expect(written.tables[0]).toMatchObject({ from: 'events', to: 'items', rowsFrom: 'legacy' });
      expect(fields(written)).toEqual(
        expect.arrayContaining(['copy title', 'utc-time starts_at', 'copy price_cents', 'copy stock']),
      );
      expect(draft.faults.map(({ field }) => field)).toEqual(['capacity']);
      expect(draft.text).toContain('// Refused until this is mended: capacity: items demands a value');
      expect(draft.text).toContain('// events.total_stock');
      expect(draft.text).toContain("needs a value: constant('capacity', …), or a field.");
    });
  });

  describe('of Chinook', () => {
    const draftOf = (name: 'billing' | 'playlists', tables: DraftRequest['tables']) =>
      drafted(
        [from, to],
        {
          async legacy(database) {
            await createChinook(database);
            await fillChinook(database, 11);
          },
          service: (database) => createService(name, database),
        },
        { name, tables },
      );

    test('invoices and their lines: references, money and times', async () => {
      const { draft, written, report } = await draftOf(
        'billing',
        ['InvoiceLine', 'Invoice'].map((table) => spelled(from, table)),
      );
      const name = (text: string) => spelled(from, text);
      expect(written).toEqual(draft.declaration);
      expect(written.tables.map((table) => `${table.from} ${table.to}`)).toEqual([
        `${name('Invoice')} orders`,
        `${name('InvoiceLine')} order_lines`,
      ]);
      expect(fields(written)).toEqual([
        `copy ${name('CustomerId')}${from === 'sqlite' ? ' -> customer_id' : ''}`,
        `utc-time ${name('InvoiceDate')} -> placed_at`,
        `copy ${name('BillingAddress')} -> bill_to_street`,
        `copy ${name('BillingCity')} -> bill_to_place`,
        `copy ${name('BillingCountry')} -> bill_to_country`,
        `money ${name('Total')} -> amount_cents`,
      ]);
      const precision = from === 'sqlite' ? 'milliseconds' : 'microseconds';
      expect(written.tables[0]!.owned[1]).toMatchObject({ precision });
      expect(report.tables.flatMap(({ warnings }) => warnings)).toEqual([]);
      expect(fields(written, 1)).toEqual([
        `copy ${name('InvoiceId')} -> order_id`,
        `copy ${name('TrackId')}${from === 'sqlite' ? ' -> track_id' : ''}`,
        `money ${name('UnitPrice')} -> unit_cents`,
        `copy ${name('Quantity')} -> pieces`,
      ]);
      expect(draft.faults.map(({ field }) => field)).toEqual(['currency']);
      expect(draft.text).toContain('Refused until this is mended: currency: orders demands a value');
      expect(draft.text).toContain('are each the only time that is left');
      expect(report.tables.map((table) => table.findings)).toEqual([[]]);
    });

    test('a key of two columns, under other names in another order', async () => {
      const { draft, written, report } = await draftOf('playlists', [
        { from: spelled(from, 'Playlist') },
        { from: spelled(from, 'PlaylistTrack'), to: 'playlist_entries' },
      ]);
      expect(written).toEqual(draft.declaration);
      expect(written.tables[1]).toEqual({
        from: spelled(from, 'PlaylistTrack'),
        to: 'playlist_entries',
        key: [
          { from: spelled(from, 'PlaylistId'), to: 'playlist' },
          { from: spelled(from, 'TrackId'), to: 'track' },
        ],
        owned: [],
      });
      expect(report).toMatchObject({ sound: true, faults: [] });
    });
  });
});

describe.each<Dialect>(['sqlite', 'postgres'])('what a draft leaves to a person, on %s', (dialect) => {
  const script = (sql: string) => (database: TestDatabase) => database.script(sql);

  test('tables without a counterpart or a key, and awkward names and values', async () => {
    const time = dialect === 'sqlite' ? 'text' : 'timestamptz';
    const { draft, written } = await drafted(
      [dialect, dialect],
      {
        legacy: script(`
          CREATE TABLE "odd's" (id bigint NOT NULL PRIMARY KEY, "it's ""so""" text, status text, seen_at ${time}, gone text);
          CREATE TABLE keyless (a text, name text);
          CREATE TABLE alone (id bigint NOT NULL PRIMARY KEY, zebra text);
          INSERT INTO "odd's" VALUES (1, 'x', 'it''s
            new', '2026-11-20T10:00:00Z', NULL), (2, 'x', '__proto__', NULL, NULL), (3, 'y', 'b "c"', NULL, NULL)`),
        service: script(`
          CREATE TABLE odds (id bigint NOT NULL PRIMARY KEY, "it's ""so""" text, state text, seen_at bigint);
          CREATE TABLE keyless (id bigint NOT NULL PRIMARY KEY, name text)`),
      },
      { name: 'odd', tables: ["odd's", 'keyless', 'alone'] },
    );
    expect(written.tables.map(({ from }) => from)).toEqual(["odd's"]);
    expect(draft.text).toContain('// No table of the service was found for alone; it has id, zebra.');
    expect(draft.text).toContain('// No key was found for keyless -> keyless');
    if (dialect === 'sqlite') expect(draft.text).toContain('"2026-11-20T10:00:00Z" is no time of the form');
    else expect(draft.text).toContain('goes nowhere; no field reads a time with a zone');
    expect(draft.text).toMatch(/\/\/ odd's\.gone \(text\) goes nowhere\./i);
    // A key of bigint is not the row's id, on SQLite as little as on PostgreSQL.
    expect(written.tables[0]!.advanceSequence).toBeUndefined();
    const states = draft.declaration.tables[0]!.owned.find(({ kind }) => kind === 'values');
    expect(states?.kind === 'values' && Object.keys(states.values)).toHaveLength(3);
    expect(draft.text).toContain("['__proto__']: '__proto__'");
    expect(fields(written)).toEqual(fields(draft.declaration));
  });

  test('a table that is not there is refused, with those that are', async () => {
    const attempt = drafted(
      [dialect, dialect],
      { legacy: script('CREATE TABLE one (id bigint)'), service: script('CREATE TABLE two (id bigint)') },
      { name: 'x', tables: ['onne'] },
    );
    await expect(attempt).rejects.toMatchObject({ code: 'tables_missing', hint: 'It has one.', exitCode: 2 });
  });
});

describe('what PostgreSQL keeps and others do not', () => {
  const script = (sql: string) => (database: TestDatabase) => database.script(sql);

  test('times in microseconds go over whole, or are cut where the service counts milliseconds', async () => {
    const { draft, written, report } = await drafted(
      ['postgres', 'postgres'],
      {
        legacy:
          script(`CREATE TABLE visits (id bigint PRIMARY KEY, seen_at timestamp, ended_at timestamp NOT NULL DEFAULT now(),
            left_at timestamp(6) NOT NULL, made_at timestamp(3), day_at timestamp(0));
          INSERT INTO visits VALUES (1, '2026-11-20 10:00:00.123456', DEFAULT, '1969-12-31 23:59:59.999999', now(), now())`),
        service:
          script(`CREATE TABLE visits (id bigint PRIMARY KEY, seen_at bigint, ended_ms bigint, left_at bigint,
            made_at bigint, day_at bigint); INSERT INTO visits (id, left_at) VALUES (7, 1795168800000)`),
      },
      { name: 'visits', tables: ['visits'] },
    );
    expect(written).toEqual(draft.declaration);
    const reason = 'the service counts milliseconds; what it cuts off would not come back';
    const cut = (from: string, to = from) => ({
      kind: 'one-way',
      reason,
      field: { kind: 'utc-time', from, to, precision: 'seconds', finer: 'cut' },
    });
    expect(written.tables[0]!.owned).toMatchObject([
      { from: 'seen_at', precision: 'microseconds', finer: 'refused' },
      cut('ended_at', 'ended_ms'),
      cut('left_at'),
      { from: 'made_at', precision: 'milliseconds' },
      { from: 'day_at', precision: 'seconds' },
    ]);
    // A row that the service makes has no time for it.
    expect(written.tables[0]!.rowsFrom).toBe('legacy');
    expect(draft.notes.join('\n')).toContain(
      'Unsure: seen_at (timestamp without time zone) keeps microseconds, so seen_at has to count microseconds since 1970',
    );
    expect(draft.notes.join('\n')).toContain(
      'the last digits are cut off, and the time is never written back',
    );
    expect(draft.faults).toEqual([]);
    expect(report).toMatchObject({ sound: true, tables: [{ warnings: [] }] });
  });

  test('an enum is copied into a text, and into another enum', async () => {
    const { draft, written, report } = await drafted(
      ['postgres', 'postgres'],
      {
        legacy: script(`CREATE TYPE order_state AS ENUM ('new', 'paid');
          CREATE TABLE orders (id bigint PRIMARY KEY, status order_state NOT NULL, kind order_state, mood text);
          INSERT INTO orders VALUES (1, 'new', 'paid', 'paid')`),
        service: script(`CREATE TYPE sale_state AS ENUM ('new', 'paid');
          CREATE TABLE orders (id bigint PRIMARY KEY, status text NOT NULL, kind sale_state, mood sale_state)`),
      },
      { name: 'orders', tables: ['orders'] },
    );
    expect(written).toEqual(draft.declaration);
    expect(fields(written)).toEqual(['copy status', 'copy kind', 'copy mood']);
    expect(draft.notes.join('\n')).toContain(
      "status is the enum order_state (new, paid), and is copied as it is. If the service has words of its own, write values('status', 'status', { … }).",
    );
    expect(draft.faults).toEqual([]);
    expect(report).toMatchObject({ sound: true });
  });
});

test('every file that was written compiles', async () => {
  expect(files).toBeGreaterThan(20);
  const options = { noEmit: true, typeRoots: [path.join(root, 'node_modules/@types')] };
  const config = {
    extends: path.join(root, 'tsconfig.json'),
    compilerOptions: options,
    include: ['*.ts'],
    exclude: [],
  };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = path.join(root, 'node_modules/.bin/tsc');
  const result = await run(compiler, ['-p', folder]).catch((error: { stdout: string }) => error);
  expect(result.stdout).toBe('');
});
