import { PostgresStore } from './postgres.ts';
import { SqliteStore } from './sqlite.ts';
import type { Store } from './store.ts';
import type { DatabaseLocation } from './url.ts';

/** The store of a location; nothing is connected before its first use. */
export function openStore(location: DatabaseLocation): Store {
  return location.dialect === 'sqlite'
    ? new SqliteStore(location.file)
    : new PostgresStore(location.url, location.place);
}
