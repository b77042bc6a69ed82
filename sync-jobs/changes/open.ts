import { DecodingSource } from '../decoding/source.ts';
import type { Direction, GroupDeclaration } from '../mapping/group.ts';
import type { Store } from '../stores/store.ts';
import type { ChangeSource } from './change.ts';
import { PostgresLog } from './postgres-log.ts';
import { SqliteLog } from './sqlite-log.ts';

/** Where the changes of a group are read from, in the store that a direction begins at. */
export function changesOf(store: Store, group: GroupDeclaration, direction: Direction): ChangeSource {
  if (store.dialect === 'sqlite') return new SqliteLog();
  if (group.capture === 'decoding' && direction === 'forward') return new DecodingSource(store, group.name);
  return new PostgresLog();
}
