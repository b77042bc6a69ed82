import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '@strangler-fig/kernel/failure';
import { refused } from '@strangler-fig/sync-jobs/feed/shapes';
import { loadGroups } from '@strangler-fig/sync-jobs/groups-folder';
import { declarationFaults } from '@strangler-fig/sync-jobs/mapping/declaration-faults';
import type { GroupDeclaration } from '@strangler-fig/sync-jobs/mapping/group';
import { readDatabases } from '@strangler-fig/sync-jobs/settings';
import { openStore } from '@strangler-fig/sync-jobs/stores/open';
import type { Store } from '@strangler-fig/sync-jobs/stores/store';

/** A database and the groups whose tables are in it. */
export interface GroupsDatabase {
  readonly side: 'legacy' | 'service';
  readonly store: Store;
  readonly groups: GroupDeclaration[];
}

/** The databases of the groups that a command is about. */
export interface Databases {
  /** The groups that were asked for; all where none was. */
  readonly groups: GroupDeclaration[];
  /** Every group there is. */
  readonly declared: GroupDeclaration[];
  readonly legacy: Store;
  /** The store of a group's service; groups whose services share a database share it. */
  service(group: GroupDeclaration): Store;
  /** The legacy database first, then each service's once, with the groups of those given. */
  each(groups: readonly GroupDeclaration[]): GroupsDatabase[];
}

/**
 * Opens the databases that sync-jobs would work on, for as long as the work takes.
 * @param names of groups; empty for all.
 * @throws Failure with exit code 2 where a declaration, a group's name or a variable is wrong.
 */
export async function withDatabases<T>(
  names: readonly string[],
  work: (databases: Databases) => Promise<T>,
): Promise<T> {
  const declared = await declaredGroups();
  const groups = names.length === 0 ? declared : chosen(declared, names);
  const { legacy, services } = readDatabases(process.env, declared);
  const opened = new Map<string, Store>();
  const open = (location: Parameters<typeof openStore>[0]) => {
    const known = opened.get(location.place);
    if (known !== undefined) return known;
    const store = openStore(location);
    opened.set(location.place, store);
    return store;
  };
  const service = ({ name }: GroupDeclaration) => open(services.get(name)!);
  try {
    return await work({
      groups,
      declared,
      legacy: open(legacy),
      service,
      each(wanted) {
        const stores = new Set(wanted.map(service));
        return [
          { side: 'legacy', store: open(legacy), groups: [...wanted] },
          ...[...stores].map((store) => ({
            side: 'service' as const,
            store,
            groups: wanted.filter((group) => service(group) === store),
          })),
        ];
      },
    });
  } finally {
    await Promise.all([...opened.values()].map((store) => store.close()));
  }
}

/**
 * Opens the legacy database and the store of a group that need not be declared yet.
 * @throws Failure `group_name_invalid` or `database_url_invalid`, exit code 2.
 */
export async function withDatabasesOf<T>(
  name: string,
  work: (legacy: Store, service: Store) => Promise<T>,
): Promise<T> {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw new Failure('group_name_invalid', `${JSON.stringify(name)} is not a group's name.`, {
      hint: 'Give lower-case letters, digits and dashes.',
      exitCode: 2,
    });
  }
  const { legacy, services } = readDatabases(process.env, [{ name }]);
  const stores = [openStore(legacy), openStore(services.get(name)!)] as const;
  try {
    return await work(...stores);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}

/** Where sync-jobs is: what of it is no module, such as its groups, is found beside its modules. */
export function syncFolder(): string {
  return path.dirname(fileURLToPath(import.meta.resolve('@strangler-fig/sync-jobs/groups-folder')));
}

async function declaredGroups(): Promise<GroupDeclaration[]> {
  const groups = await loadGroups(process.env.SYNC_GROUPS_DIR || path.join(syncFolder(), 'groups'));
  const faults = declarationFaults(groups);
  if (faults.length > 0) throw refused(faults);
  return groups;
}

function chosen(declared: GroupDeclaration[], names: readonly string[]): GroupDeclaration[] {
  const known = declared.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return declared.filter(({ name }) => names.includes(name));
  throw new Failure('group_unknown', `There is no group ${unknown.join(', ')}.`, {
    hint: `The groups are ${known.join(', ')}.`,
    exitCode: 2,
  });
}
