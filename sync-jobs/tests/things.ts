import { installDecoding } from '../decoding/installation.ts';
import { copy, integer, money } from '../mapping/fields.ts';
import { defineGroup } from '../mapping/group.ts';
import type { Dialect, TestDatabase } from './databases.ts';
import { openPair, type StorePair } from './store-pair.ts';

/** A group of two tables with values of every kind, whose legacy side is decoded. */
export const things = defineGroup({
  name: 'things',
  capture: 'decoding',
  tables: [
    {
      from: 'things',
      to: 'things',
      key: { from: 'id', to: 'id' },
      owned: [
        copy('name'),
        copy('note'),
        money('amount', 'amount', { decimals: 3 }),
        integer('flag'),
        copy('data'),
        copy('at'),
        copy('day'),
        copy('big'),
        copy('ratio'),
        copy('span'),
      ],
    },
    {
      from: 'parts',
      to: 'parts',
      key: { from: 'id', to: 'id' },
      owned: [copy('thing'), copy('count')],
    },
  ],
});

const columns = {
  legacy: `id integer PRIMARY KEY, name text NOT NULL UNIQUE, note text, amount numeric(12, 3), flag boolean, data bytea,
    at timestamptz, day date, big bigint, ratio double precision, span interval`,
  postgres: `id integer PRIMARY KEY, name text NOT NULL UNIQUE, note text, amount bigint, flag integer, data bytea,
    at timestamptz, day date, big bigint, ratio double precision, span interval`,
  sqlite: `id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, note TEXT, amount INTEGER, flag INTEGER, data BLOB,
    at TEXT, day TEXT, big INTEGER, ratio REAL, span TEXT`,
};

async function createTables(database: TestDatabase, side: 'legacy' | 'service'): Promise<void> {
  await database.script(`CREATE TABLE things (${columns[side === 'legacy' ? 'legacy' : database.dialect]});
    CREATE TABLE parts (id integer PRIMARY KEY, thing integer NOT NULL REFERENCES things (id), count integer NOT NULL);`);
}

export async function openThings(service: Dialect): Promise<StorePair> {
  const pair = await openPair(things, ['postgres', service], {
    legacy: (database) => createTables(database, 'legacy'),
    service: (database) => createTables(database, 'service'),
  });
  await installDecoding(pair.stores().legacy, [things]);
  return pair;
}

/** All rows of one side, as the service has them. */
export async function rowsOf(database: TestDatabase, side: 'legacy' | 'service'): Promise<unknown> {
  const form = side === 'legacy' ? 'legacy' : database.dialect;
  const rows = await database.query(
    `SELECT id, name, note, ${special[form]}, day, big, span FROM things ORDER BY id`,
  );
  return {
    things: rows.map((row) => ({ ...row, ratio: row.ratio == null ? null : Number(row.ratio) })),
    parts: await database.query('SELECT id, thing, count FROM parts ORDER BY id'),
  };
}

const special = {
  legacy: `(amount * 1000)::bigint AS amount, flag::int AS flag, encode(data, 'hex') AS data,
    (at AT TIME ZONE 'UTC')::text AS at, ratio`,
  postgres: "amount, flag, encode(data, 'hex') AS data, (at AT TIME ZONE 'UTC')::text AS at, ratio",
  sqlite:
    "amount, flag, CASE WHEN data IS NOT NULL THEN lower(hex(data)) END AS data, replace(at, '+00', '') AS at, ratio",
};
