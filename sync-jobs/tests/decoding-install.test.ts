import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { install } from '../capture/installation.ts';
import {
  installDecoding,
  planDecoding,
  planUninstallDecoding,
  uninstallDecoding,
} from '../decoding/installation.ts';
import { requireDecoding } from '../decoding/requirements.ts';
import { slotStatus } from '../decoding/status.ts';
import { openStore } from '../stores/open.ts';
import type { Session, Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import type { StorePair } from './store-pair.ts';
import { openThings, things } from './things.ts';

let pair: StorePair;
let store: Store;
beforeEach(async () => {
  pair = await openThings('sqlite');
  store = pair.stores().legacy;
});
afterEach(() => pair.close());

const slots = () =>
  pair.legacy.query('SELECT slot_name AS name FROM pg_replication_slots WHERE database = current_database()');
const identities = () =>
  pair.legacy.query(
    "SELECT relname AS name, relreplident AS identity FROM pg_class WHERE relname IN ('things', 'parts') ORDER BY 1",
  );

test('asks for whole old rows only where keys do not say enough, and leaves out triggers', async () => {
  expect(await identities()).toEqual([
    { name: 'parts', identity: 'd' },
    { name: 'things', identity: 'f' },
  ]);
  await install(store, [things], 'legacy');
  expect(await pair.legacy.query("SELECT 1 FROM pg_trigger WHERE tgname LIKE 'strangler%'")).toEqual([]);
  expect(await planDecoding(store, [things])).toEqual({ place: store.place, statements: [], drift: [] });
  expect(await slotStatus(store, 'things')).toMatchObject({ state: 'reserved', remainingBytes: null });
});

test('says what is amiss, and makes it right', async () => {
  await pair.legacy.query('ALTER PUBLICATION strangler_things DROP TABLE parts');
  const before = await slots();
  const { drift, statements } = await planDecoding(store, [things]);
  expect(drift).toEqual([
    { table: 'parts, things', kind: 'missing', what: 'publication strangler_things is not as declared' },
  ]);
  expect((await installDecoding(store, [things])).statements).toEqual(statements);
  expect(await slots()).toEqual(before);
  expect((await planDecoding(store, [things])).statements).toEqual([]);
});

test('begins anew with another declaration', async () => {
  const [was] = await pair.legacy.query('SELECT generation FROM strangler_decoding');
  const less = { ...things, tables: [things.tables[0]!] };
  await installDecoding(store, [less]);
  const [is] = await pair.legacy.query('SELECT generation FROM strangler_decoding');
  expect(is).not.toEqual(was);
  expect(await pair.legacy.query('SELECT tablename AS name FROM pg_publication_tables')).toEqual([
    { name: 'things' },
  ]);
});

test('drops the slot of a group that is not decoded any more, and gives its tables back as they were', async () => {
  await installDecoding(store, [{ ...things, capture: 'triggers' }]);
  expect(await slots()).toEqual([]);
  expect(await pair.legacy.query('SELECT 1 FROM pg_publication')).toEqual([]);
  expect((await identities()).map(({ identity }) => identity)).toEqual(['d', 'd']);
  await installDecoding(store, [things]);
  expect(await slots()).toHaveLength(1);
});

test('leaves groups alone that it is not asked about', async () => {
  const other = { ...things, name: 'other' };
  await installDecoding(store, [other]);
  expect(await slots()).toHaveLength(2);
  expect((await planDecoding(store, [other])).statements).toEqual([]);
  expect((await planDecoding(store, [things])).statements).toEqual([]);
  await installDecoding(store, [{ ...other, capture: 'triggers' }]);
  expect(await slots()).toHaveLength(1);
  // The other group reads the same tables.
  expect((await identities()).map(({ identity }) => identity)).toEqual(['d', 'f']);
  expect((await planDecoding(store, [things])).statements).toEqual([]);
});

test('takes everything away again', async () => {
  expect((await planUninstallDecoding(store)).statements).toContainEqual(
    expect.stringContaining('DROP PUBLICATION'),
  );
  await uninstallDecoding(store);
  expect(await slots()).toEqual([]);
  expect(await pair.legacy.query('SELECT 1 FROM pg_publication')).toEqual([]);
  expect((await identities()).map(({ identity }) => identity)).toEqual(['d', 'd']);
  expect(
    await pair.legacy.query("SELECT 1 FROM pg_class WHERE relname LIKE 'strangler\\_decoding%'"),
  ).toEqual([]);
  expect((await uninstallDecoding(store)).statements).toEqual([]);
});

test('refuses a role that may not replicate', async () => {
  const role = `app_${randomBytes(6).toString('hex')}`;
  await pair.legacy.script(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`);
  const url = new URL(pair.legacy.url);
  url.username = role;
  url.password = 'app';
  const weak = openStore(parseDatabaseUrl(url.href, 'TEST'));
  await expect(planDecoding(weak, [{ ...things, name: 'other' }])).rejects.toMatchObject({
    code: 'decoding_unavailable',
    message: expect.stringContaining(`the role ${role} may not replicate`),
    exitCode: 2,
  });
  await weak.close();
  await pair.legacy.script(`DROP ROLE ${role}`);
});

test('refuses a server that logs too little', async () => {
  // The run's only server has wal_level = logical, so its answer is made up.
  const session = { query: async () => [['replica', 'app', 0n]] } as unknown as Session;
  await expect(requireDecoding(session, 'db/app')).rejects.toMatchObject({
    code: 'decoding_unavailable',
    message: 'db/app cannot decode its log: wal_level is replica, and the role app may not replicate.',
    hint: 'Set wal_level = logical and restart the server. Run ALTER ROLE "app" REPLICATION as an administrator.',
  });
});

test('refuses tables that have no log of rows', async () => {
  await pair.legacy.script(`CREATE TABLE split (id integer PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE UNLOGGED TABLE fleeting (id integer PRIMARY KEY);
    CREATE TABLE made (id integer PRIMARY KEY, name text GENERATED ALWAYS AS ('x') STORED);`);
  for (const from of ['split', 'fleeting', 'made']) {
    const group = { ...things, name: 'other', tables: [{ ...things.tables[0]!, from }] };
    await expect(planDecoding(store, [group])).rejects.toMatchObject({ code: 'decoding_unavailable' });
  }
});

test('refuses SQLite', async () => {
  const { service } = pair.stores();
  await expect(planDecoding(service, [things])).rejects.toMatchObject({ code: 'decoding_unavailable' });
  expect((await planDecoding(service, [])).statements).toEqual([]);
});

test('takes away the triggers that a group had before, where no other group has them', async () => {
  const byTriggers = { ...things, capture: 'triggers' as const };
  const parts = { ...byTriggers, name: 'parts', tables: [things.tables[1]!] };
  await install(store, [byTriggers], 'legacy');
  await pair.legacy.query("INSERT INTO things (id, name) VALUES (1, 'logged')");
  const ours = async () =>
    (
      await pair.legacy.query(
        `SELECT c.relname AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE tgname LIKE 'strangler%' UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'strangler%'
         UNION ALL SELECT DISTINCT tbl || ' logged' FROM strangler_log ORDER BY 1`,
      )
    ).map(({ name }) => name);
  const ofParts = ['parts', 'parts', 'parts', 'parts', 'strangler_log_parts'];
  const ofThings = ['strangler_log_things', 'things', 'things', 'things', 'things', 'things logged'];
  expect(await ours()).toEqual([...ofParts, ...ofThings]);
  // As long as it is not known what the other groups need, everything stays.
  expect((await planDecoding(store, [things])).statements).toEqual([]);
  expect((await planDecoding(store, [things], [things, byTriggers])).statements).toEqual([]);
  const { statements } = await planDecoding(store, [things], [things, parts]);
  expect(statements.filter((one) => one.startsWith('DROP TRIGGER'))).toHaveLength(4);
  expect(await ours()).toEqual([...ofParts, ...ofThings]);
  expect((await installDecoding(store, [things], [things, parts])).statements).toEqual(statements);
  expect(await ours()).toEqual(ofParts);
  await installDecoding(store, [things], [things]);
  expect(await ours()).toEqual([]);
  expect((await planDecoding(store, [things], [things])).statements).toEqual([]);
  // And back again.
  await install(store, [byTriggers], 'legacy');
  expect(await ours()).toEqual([...ofParts, ...ofThings.filter((one) => one !== 'things logged')]);
});
