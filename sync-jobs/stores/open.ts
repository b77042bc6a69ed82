import { PostgresStore } from './postgres.ts';
import { SqliteStore } from './sqlite.ts';
import type { Store } from './store.ts';
import type { DatabaseLocation } from './url.ts';

/** The store of a location; nothing is connected before its first use. A legacy database is opened for reading only. */
export function openStore(location: DatabaseLocation, use: 'legacy' | 'service'): Store {
  const readOnly = use === 'legacy';
  return location.dialect === 'sqlite'
    ? new SqliteStore(location.file, readOnly)
    : new PostgresStore(location.url, location.place, readOnly);
}
