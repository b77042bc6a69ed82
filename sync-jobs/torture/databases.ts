import path from 'node:path';
import { createDatabaseOn } from '../../testing/postgres-database.ts';
import type { Dialect } from '../stores/store.ts';
import { type Cell, type Connection, connect } from './connection.ts';
import type { Random } from './random.ts';
import { newRow, sides } from './rows.ts';
import { type Side, schema } from './schema.ts';

/** A fresh database of one side with its tables. */
export interface SideDatabase {
  url: string;
  drop(): Promise<void>;
}

/** @param server URL of a PostgreSQL server, where the side is on one. */
export async function makeDatabase(
  side: Side,
  dialect: Dialect,
  { folder, server, random }: { folder: string; server: string | undefined; random: Random },
): Promise<SideDatabase> {
  const journal = random.pick(['WAL', 'DELETE']);
  const made = dialect === 'sqlite' ? onDisk(folder, side) : await createDatabaseOn(server!, 'torture');
  const connection = await connect(made.url);
  // Kept in the file for everybody who opens it: an application that was never tuned has DELETE.
  if (dialect === 'sqlite') await connection.rows(`PRAGMA journal_mode = ${journal}`);
  await connection.script(schema(side, dialect));
  await connection.close();
  return made;
}

function onDisk(folder: string, side: Side): SideDatabase {
  return { url: `sqlite:${path.join(folder, `${side}.db`)}`, drop: async () => {} };
}

/** Rows that are there before anything else happens. */
export async function fillLegacy(connection: Connection, random: Random): Promise<void> {
  const { parent, codes, child } = sides.legacy;
  const insert = (table: string, row: Record<string, Cell>) => {
    const names = Object.keys(row);
    const marks = names.map(() => '?').join(', ');
    return connection.run(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks}) ON CONFLICT DO NOTHING`,
      Object.values(row),
    );
  };
  await connection.script('BEGIN');
  for (let count = 0; count < 500; count++) {
    await insert(parent.name, { ...parent.pickKey(random), ...newRow(parent, random) });
  }
  for (let count = 0; count < 300; count++) {
    await insert(codes.name, { ...codes.pickKey(random), ...newRow(codes, random) });
  }
  const ids = (await connection.rows('SELECT id FROM articles ORDER BY id')).map(({ id }) => BigInt(id!));
  for (let count = 0; count < 700; count++) {
    await insert(child.name, {
      ...child.pickKey(random),
      ...newRow(child, random),
      article_id: random.pick(ids),
    });
  }
  await connection.script('COMMIT');
}
