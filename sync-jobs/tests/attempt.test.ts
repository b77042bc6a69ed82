import { afterEach, expect, test } from 'vitest';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { freshDatabase, type TestDatabase } from './databases.ts';

let database: TestDatabase;
let store: Store;
afterEach(async () => {
  await store.close();
  await database.drop();
});

test.each(['sqlite', 'postgres'] as const)(
  'on %s an attempt is undone whole, whatever failed within',
  async (dialect) => {
    database = await freshDatabase(dialect);
    await database.script('CREATE TABLE t (id integer PRIMARY KEY)');
    store = openStore(parseDatabaseUrl(database.url, 'TEST'));
    await store.transaction(async (writer) => {
      const fails = async (work: () => Promise<unknown>) => expect(writer.attempt(work)).rejects.toThrow();
      await writer.run('INSERT INTO t VALUES (1)');
      await fails(async () => {
        await writer.run('INSERT INTO t VALUES (2)');
        await fails(() => writer.run('INSERT INTO t VALUES (1)'));
        await writer.run('INSERT INTO t VALUES (3)');
        await fails(() => writer.run('INSERT INTO t VALUES (1)'));
        throw new Error('the attempt around it fails, too');
      });
    });
    expect(await database.query('SELECT id FROM t')).toEqual([{ id: '1' }]);
  },
);
