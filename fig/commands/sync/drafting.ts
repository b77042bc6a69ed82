import path from 'node:path';
import { type Draft, draftGroup } from '@strangler-fig/sync-jobs/init/draft';
import { syncFolder, withDatabasesOf } from './databases.ts';

/**
 * Drafts a group's declaration.
 * @param tables as `legacy` or `legacy:service`.
 * @param file where it will be, as the import of its mapping depends on that.
 */
export function drafting(name: string, tables: readonly string[], file: string | undefined): Promise<Draft> {
  return withDatabasesOf(name, (legacyStore, serviceStore) =>
    draftGroup({
      name,
      tables: tables.map((table) => {
        const [from = '', to] = table.split(':', 2);
        return to === undefined ? from : { from, to };
      }),
      legacyStore,
      serviceStore,
      ...(file === undefined ? {} : { mapping: mappingFrom(file) }),
    }),
  );
}

function mappingFrom(file: string): string {
  const relative = path.relative(path.dirname(file), path.join(syncFolder(), 'mapping'));
  const posix = relative.split(path.sep).join('/');
  return posix.startsWith('.') ? posix : `./${posix}`;
}
