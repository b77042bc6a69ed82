import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Dialect, freshDatabase } from '../../sync-jobs/tests/databases.ts';
import { startSync } from '../../sync-jobs/tests/sync-process.ts';
import { runFig } from './fig-process.ts';

// What sync-jobs/README.md says to do before a captured column is dropped.

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

describe.each<Dialect>(['sqlite', 'postgres'])('on %s', (dialect) => {
  test('a captured column is dropped after its triggers, and what was written without them is copied', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'fig-groups-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    const [legacy, service] = [await freshDatabase(dialect), await freshDatabase('sqlite')];
    cleanups.push(legacy.drop, service.drop);
    await legacy.script('CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, fax TEXT)');
    await service.script('CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, fax TEXT)');
    await legacy.query("INSERT INTO users VALUES (1, 'Ada', '1')");
    const declare = (...fields: string[]) =>
      writeFile(
        path.join(folder, 'people.ts'),
        `export default { name: 'people', tables: [{ from: 'users', to: 'people', key: { from: 'id', to: 'id' }, owned: [${fields.map((name) => `{ kind: 'copy', from: '${name}', to: '${name}' }`).join()}] }] };\n`,
      );
    await declare('name', 'fax');
    const env = {
      SYNC_GROUPS_DIR: folder,
      LEGACY_DATABASE_URL: legacy.url,
      PEOPLE_DATABASE_URL: service.url,
      SYNC_INSTALL: 'never',
    };
    const installed = await runFig(['sync', 'install', '--apply'], { env });
    expect(installed).toMatchObject({ code: 0, stderr: '' });
    const run = async () => {
      const sync = startSync(env);
      await sync.ready;
      return async () => {
        sync.child.kill('SIGTERM');
        await sync.closed;
      };
    };
    const stop = await run();
    await expect(legacy.query('ALTER TABLE users DROP COLUMN fax')).rejects.toThrow(
      dialect === 'sqlite' ? 'error in trigger strangler_' : 'because other objects depend on it',
    );

    await stop();
    const triggers = await legacy.query(
      dialect === 'sqlite'
        ? "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'users' AND name LIKE 'strangler%'"
        : "SELECT tgname AS name FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgname LIKE 'strangler%'",
    );
    for (const { name } of triggers)
      await legacy.query(`DROP TRIGGER ${name}${dialect === 'sqlite' ? '' : ' ON users'}`);
    await legacy.query('ALTER TABLE users DROP COLUMN fax');
    await legacy.query("UPDATE users SET name = 'Grace' WHERE id = 1");
    await legacy.query("INSERT INTO users VALUES (2, 'Joan')");
    await declare('name');
    const again = await runFig(['sync', 'install', '--apply'], { env });
    expect(again).toMatchObject({ code: 0, stderr: '' });
    cleanups.push(await run());
    expect(await service.query('SELECT id, name FROM people ORDER BY id')).toEqual([
      { id: '1', name: 'Grace' },
      { id: '2', name: 'Joan' },
    ]);
  });
});
