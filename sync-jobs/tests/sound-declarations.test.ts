import { describe, expect, test } from 'vitest';
import { readShapes } from '../feed/shapes.ts';
import { copy } from '../mapping/fields.ts';
import type { GroupDeclaration } from '../mapping/group.ts';
import type { Dialect } from './databases.ts';
import { type GroupName, openPair, ticketnow } from './store-pair.ts';
import { createLegacyTables, createServiceTables } from './ticketnow.ts';

describe.each<Dialect>(['sqlite', 'postgres'])('declarations that fit their tables on %s', (dialect) => {
  test('keys that only another unique index enforces are copied exactly', async () => {
    const group: GroupDeclaration = {
      name: 'shop',
      tables: [
        {
          from: 'parts',
          to: 'things',
          key: { from: 'code', to: 'id' },
          writtenBy: 'written_by',
          owned: [copy('note')],
        },
      ],
    };
    const pair = await openPair(group, [dialect, dialect], {
      legacy: (database) => database.script('CREATE TABLE parts (code bigint NOT NULL UNIQUE, note text)'),
      service: (database) =>
        database.script(
          'CREATE TABLE things (id bigint NOT NULL UNIQUE, note text, written_by text NOT NULL)',
        ),
    });
    try {
      await pair.legacy.script("INSERT INTO parts VALUES (9007199254740993, 'x'), (-9007199254740993, '')");
      await pair.drain(pair.feed());
      expect(await pair.service.query('SELECT id, note FROM things ORDER BY id')).toEqual([
        { id: '-9007199254740993', note: '' },
        { id: '9007199254740993', note: 'x' },
      ]);
      expect(await pair.drain(pair.feed())).toEqual({ changes: 0, copied: 0, foreign: 0 });
    } finally {
      await pair.close();
    }
  });

  test.each(Object.keys(ticketnow) as GroupName[])("TicketNow's %s fits its tables", async (name) => {
    const pair = await openPair(ticketnow[name], [dialect, dialect], {
      legacy: createLegacyTables,
      service: (database) => createServiceTables(name, database),
    });
    try {
      const stores = pair.stores();
      expect(await readShapes(ticketnow[name], stores.legacy, stores.service)).toHaveLength(1);
    } finally {
      await pair.close();
    }
  });
});
